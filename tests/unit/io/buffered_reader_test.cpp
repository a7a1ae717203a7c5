// What buffered_reader promises about pieces, lines, the end of the stream and errors in the middle.
#include "memory.h"

#include <gtest/gtest.h>

namespace {

using weft::io::buffered_reader;
using weft::io::errc;

const weft::error timed_out(std::errc::timed_out, "memory");

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(buffered_reader, hands_out_one_large_read_in_small_pieces) {
  memory::reader source{"abcdef"};
  buffered_reader in(source);
  char into[4];
  EXPECT_EQ(in.read(into).value(), 4u);
  EXPECT_EQ(std::string_view(into, 4), "abcd");
  EXPECT_EQ(in.buffered(), 2u);
  EXPECT_EQ(in.read(into).value(), 2u);
  EXPECT_EQ(std::string_view(into, 2), "ef");
  EXPECT_EQ(source.reads, 1);
}

TEST(buffered_reader, read_at_the_end_gives_zero_again_and_again) {
  memory::reader source{"a"};
  buffered_reader in(source);
  char into[4];
  EXPECT_EQ(in.read(into).value(), 1u);
  EXPECT_EQ(in.read(into).value(), 0u);
  EXPECT_EQ(in.read(into).value(), 0u);
}

TEST(buffered_reader, read_of_nothing_does_not_touch_the_source) {
  memory::reader source{"a"};
  buffered_reader in(source);
  EXPECT_EQ(in.read(std::span<std::byte>()).value(), 0u);
  EXPECT_EQ(source.reads, 0);
}

TEST(buffered_reader, a_large_read_goes_around_the_buffer) {
  memory::reader source{std::string(100, 'x')};
  buffered_reader in(source, 16);
  char into[100];
  EXPECT_EQ(in.read(into).value(), 100u);
  EXPECT_EQ(in.buffered(), 0u);
}

TEST(buffered_reader, lines_lose_their_ends_of_both_kinds) {
  memory::reader source{"one\ntwo\r\n\nfo", "ur\r", "\nlast"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line().value(), "one");
  EXPECT_EQ(in.read_line().value(), "two");
  EXPECT_EQ(in.read_line().value(), "");
  EXPECT_EQ(in.read_line().value(), "four");
  EXPECT_EQ(in.read_line().value(), "last");
  EXPECT_EQ(in.read_line().error(), errc::end_of_stream);
}

TEST(buffered_reader, a_carriage_return_inside_a_line_stays) {
  memory::reader source{"a\rb\nc\r"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line().value(), "a\rb");
  EXPECT_EQ(in.read_line().value(), "c\r");
}

TEST(buffered_reader, read_until_keeps_the_delimiter_except_where_the_stream_ends) {
  memory::reader source{"a;b", "c;d"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_until(';').value(), "a;");
  EXPECT_EQ(in.read_until(';').value(), "bc;");
  EXPECT_EQ(in.read_until(';').value(), "d");
  EXPECT_EQ(in.read_until(';').error().message(), "read_until: end of stream");
}

TEST(buffered_reader, a_line_may_be_longer_than_the_buffer) {
  const std::string line(1000, 'x'), text = line + "\nrest";
  memory::reader source{text};
  buffered_reader in(source, 8);
  EXPECT_EQ(in.read_line().value(), line);
  EXPECT_EQ(in.read_line().value(), "rest");
}

TEST(buffered_reader, a_line_over_the_limit_is_refused_and_not_consumed) {
  memory::reader source{"12345\n", "6\n"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line(4).error(), std::errc::message_size);
  EXPECT_EQ(in.read_line(5).value(), "12345");
  EXPECT_EQ(in.read_line(5).value(), "6");
}

TEST(buffered_reader, an_endless_line_is_refused_without_reading_it_all) {
  memory::reader source{std::string(100'000, 'x')};
  buffered_reader in(source, 64);
  EXPECT_EQ(in.read_line(100).error(), std::errc::message_size);
  EXPECT_LT(in.buffered(), 1000u);
}

TEST(buffered_reader, an_error_inside_a_line_loses_nothing) {
  memory::reader source{"hel", timed_out, "lo\n"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line().error(), std::errc::timed_out);
  EXPECT_EQ(in.read_line().value(), "hello");
}

TEST(buffered_reader, peek_consumes_nothing) {
  memory::reader source{"ab", "cd"};
  buffered_reader in(source);
  EXPECT_EQ(text_of(in.peek(3).value()), "abc");
  EXPECT_EQ(text_of(in.peek(1).value()), "a");
  EXPECT_EQ(in.read_line().value(), "abcd");
}

TEST(buffered_reader, peek_gives_less_only_at_the_end_of_the_stream) {
  memory::reader source{"ab"};
  buffered_reader in(source);
  EXPECT_EQ(text_of(in.peek(10).value()), "ab");
  EXPECT_EQ(in.read_line().value(), "ab");
  EXPECT_EQ(in.peek(1).value().size(), 0u);
}

TEST(buffered_reader, peek_may_ask_for_more_than_the_buffer) {
  memory::reader source{std::string(50, 'a'), std::string(50, 'b')};
  buffered_reader in(source, 4);
  EXPECT_EQ(text_of(in.peek(100).value()), std::string(50, 'a') + std::string(50, 'b'));
}

TEST(buffered_reader, peek_after_an_error_still_has_the_bytes) {
  memory::reader source{"ab", timed_out, "c"};
  buffered_reader in(source);
  EXPECT_EQ(in.peek(3).error(), std::errc::timed_out);
  EXPECT_EQ(text_of(in.peek(3).value()), "abc");
}

TEST(buffered_reader, read_full_takes_the_buffered_bytes_first) {
  memory::reader source{"head\nbo", "dy"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line().value(), "head");
  char body[4];
  EXPECT_EQ(in.read_full(body).value(), 4u);
  EXPECT_EQ(std::string_view(body, 4), "body");
  EXPECT_EQ(in.read_full(body).error(), errc::end_of_stream);
}

TEST(buffered_reader, read_full_of_a_stream_that_ends_inside_says_truncated) {
  memory::reader source{"abc"};
  buffered_reader in(source);
  char into[4];
  EXPECT_EQ(in.read_full(into).error(), errc::truncated);
}

TEST(buffered_reader, is_a_reader_itself) {
  memory::reader source{"head\n", "body"};
  buffered_reader in(source);
  EXPECT_EQ(in.read_line().value(), "head");
  EXPECT_EQ(weft::io::read_all(in).value(), "body");
}

}  // namespace
