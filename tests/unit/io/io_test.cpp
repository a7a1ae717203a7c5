// copy, read_all, read_full and write_string over readers and writers of any kind.
#include "memory.h"

#include <gtest/gtest.h>

namespace {

using weft::io::errc;

static_assert(weft::io::reader<memory::reader>);
static_assert(weft::io::writer<memory::writer>);
static_assert(!weft::io::reader<memory::writer>);
static_assert(!weft::io::writer<memory::reader>);
static_assert(weft::io::reader<weft::io::buffered_reader<memory::reader>>);
static_assert(weft::io::writer<weft::io::buffered_writer<memory::writer>>);

const weft::error reset(std::errc::connection_reset, "memory");

TEST(copy, moves_everything_and_counts_it) {
  memory::reader from{"ab", "c", "defg"};
  memory::writer to;
  auto n = weft::io::copy(to, from);
  ASSERT_TRUE(n);
  EXPECT_EQ(*n, 7u);
  EXPECT_EQ(to.text, "abcdefg");
}

TEST(copy, of_an_empty_stream_is_zero_bytes) {
  memory::reader from{};
  memory::writer to;
  EXPECT_EQ(weft::io::copy(to, from).value(), 0u);
}

TEST(copy, of_more_than_its_buffer_is_complete) {
  const std::string big(100'000, 'x');
  memory::reader from{big};
  memory::writer to;
  EXPECT_EQ(weft::io::copy(to, from).value(), big.size());
  EXPECT_EQ(to.text, big);
}

TEST(copy, returns_the_readers_error) {
  memory::reader from{"ab", reset};
  memory::writer to;
  EXPECT_EQ(weft::io::copy(to, from).error(), std::errc::connection_reset);
  EXPECT_EQ(to.text, "ab");
}

TEST(copy, returns_the_writers_error_and_stops_reading) {
  memory::reader from{"abc", "def", "ghi"};
  memory::writer to(4);
  auto n = weft::io::copy(to, from);
  ASSERT_FALSE(n);
  EXPECT_EQ(n.error(), std::errc::no_space_on_device);
  EXPECT_STREQ(n.error().op(), "memory");
  EXPECT_EQ(from.reads, 2);
}

TEST(read_all, gathers_short_reads) {
  memory::reader from{"ab", "c", std::string(5000, 'x')};
  EXPECT_EQ(weft::io::read_all(from).value(), "abc" + std::string(5000, 'x'));
}

TEST(read_all, of_an_empty_stream_is_empty) {
  memory::reader from{};
  EXPECT_EQ(weft::io::read_all(from).value(), "");
}

TEST(read_all, returns_the_readers_error) {
  memory::reader from{"ab", reset};
  EXPECT_EQ(weft::io::read_all(from).error(), std::errc::connection_reset);
}

TEST(read_full, reads_until_the_span_is_full) {
  memory::reader from{"ab", "c", "def"};
  std::array<std::byte, 4> into{};
  EXPECT_EQ(weft::io::read_full(from, into).value(), 4u);
  EXPECT_EQ(std::memcmp(into.data(), "abcd", 4), 0);
}

TEST(read_full, at_the_end_says_end_of_stream) {
  memory::reader from{};
  std::array<std::byte, 4> into{};
  auto n = weft::io::read_full(from, into);
  EXPECT_EQ(n.error(), errc::end_of_stream);
  EXPECT_EQ(n.error(), std::errc::no_message_available);
  EXPECT_EQ(n.error().message(), "read_full: end of stream");
}

TEST(read_full, of_a_stream_that_ends_inside_says_truncated) {
  memory::reader from{"ab"};
  std::array<std::byte, 4> into{};
  auto n = weft::io::read_full(from, into);
  EXPECT_EQ(n.error(), errc::truncated);
  EXPECT_NE(n.error(), weft::error(errc::end_of_stream));
  EXPECT_EQ(n.error(), std::errc::no_message_available);
  EXPECT_EQ(n.error().message(), "read_full: stream ended early");
}

TEST(read_full, of_nothing_does_not_read) {
  memory::reader from{"ab"};
  EXPECT_EQ(weft::io::read_full(from, {}).value(), 0u);
  EXPECT_EQ(from.reads, 0);
}

TEST(write_string, writes_text_to_a_writer_of_bytes) {
  memory::writer to;
  EXPECT_EQ(weft::io::write_string(to, "hello").value(), 5u);
  EXPECT_EQ(to.text, "hello");
}

}  // namespace
