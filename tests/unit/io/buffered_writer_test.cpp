// What buffered_writer promises about when bytes go out, errors, and its destructor.
#include "memory.h"

#include <gtest/gtest.h>

namespace {

using weft::io::buffered_writer;

TEST(buffered_writer, gathers_small_writes_until_flush) {
  memory::writer sink;
  buffered_writer out(sink);
  EXPECT_EQ(out.write("hello ").value(), 6u);
  EXPECT_EQ(out.write(std::string("world")).value(), 5u);
  EXPECT_EQ(sink.text, "");
  EXPECT_EQ(out.buffered(), 11u);
  EXPECT_TRUE(out.flush());
  EXPECT_EQ(sink.text, "hello world");
  EXPECT_EQ(sink.writes, 1);
}

TEST(buffered_writer, flush_of_nothing_does_not_write) {
  memory::writer sink;
  buffered_writer out(sink);
  EXPECT_TRUE(out.flush());
  EXPECT_TRUE(out.write("").has_value());
  EXPECT_TRUE(out.flush());
  EXPECT_EQ(sink.writes, 0);
}

TEST(buffered_writer, goes_out_by_itself_when_full_and_in_order) {
  memory::writer sink;
  buffered_writer out(sink, 4);
  for (const char* piece : {"ab", "c", "de", "f"}) ASSERT_TRUE(out.write(piece));
  EXPECT_EQ(sink.text, "abc");
  ASSERT_TRUE(out.flush());
  EXPECT_EQ(sink.text, "abcdef");
}

TEST(buffered_writer, a_large_write_goes_around_the_buffer_and_in_order) {
  memory::writer sink;
  buffered_writer out(sink, 4);
  ASSERT_TRUE(out.write("ab"));
  EXPECT_EQ(out.write("0123456789").value(), 10u);
  EXPECT_EQ(sink.text, "ab0123456789");
  EXPECT_EQ(sink.writes, 2);
}

TEST(buffered_writer, the_first_error_stays) {
  memory::writer sink(3);
  buffered_writer out(sink, 4);
  ASSERT_TRUE(out.write("abcd"));
  EXPECT_EQ(out.flush().error(), std::errc::no_space_on_device);
  EXPECT_EQ(out.write("e").error(), std::errc::no_space_on_device);
  EXPECT_EQ(out.flush().error(), std::errc::no_space_on_device);
  EXPECT_EQ(sink.writes, 1);
}

TEST(buffered_writer, a_sink_that_takes_less_than_all_is_an_error) {
  struct short_sink {
    weft::result<std::size_t> write(std::span<const std::byte> from) { return from.size() / 2; }
  } sink;
  buffered_writer out(sink);
  ASSERT_TRUE(out.write("abcd"));
  EXPECT_EQ(out.flush().error(), std::errc::io_error);
}

TEST(buffered_writer, the_destructor_flushes) {
  memory::writer sink;
  { ASSERT_TRUE(buffered_writer(sink).write("abc")); }
  EXPECT_EQ(sink.text, "abc");
}

TEST(buffered_writer, the_destructor_swallows_what_flushing_throws) {
  struct throwing_sink {
    weft::result<std::size_t> write(std::span<const std::byte>) { throw std::runtime_error("sink"); }
  } sink;
  { ASSERT_TRUE(buffered_writer(sink).write("abc")); }
}

TEST(buffered_writer, the_destructor_does_not_try_a_failed_sink_again) {
  memory::writer sink(1);
  {
    buffered_writer out(sink);
    ASSERT_TRUE(out.write("abc"));
    ASSERT_FALSE(out.flush());
  }
  EXPECT_EQ(sink.writes, 1);
}

}  // namespace
