#include "format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "table.h"

namespace weft::lab {
namespace {

TEST(format, the_end_of_the_name_is_the_unit) {
  EXPECT_EQ(format("real_s", 12.3), "12.3 s");
  EXPECT_EQ(format("real_s", 0.0123), "12.3 ms");
  EXPECT_EQ(format("task_ns", 1234), "1.23 µs");
  EXPECT_EQ(format("task_ns", 0.96), "0.96 ns");
  EXPECT_EQ(format("peak_bytes", 4096), "4096 B");
  EXPECT_EQ(format("peak_bytes", 3 * 1048576), "3.00 MiB");
  EXPECT_EQ(format("ratio_x", 2.5), "×2.50");
  EXPECT_EQ(format("tasks", 1'000'000), "1,000,000");
  EXPECT_EQ(format("each", 0.25), "0.25");
  EXPECT_EQ(format("tasks", -1234), "-1,234");
}

TEST(format, what_is_missing_is_a_dash) { EXPECT_EQ(format("real_s", std::nan("")), "-"); }

TEST(format, width_counts_letters_not_bytes) { EXPECT_EQ(display_width("1.2 µs ×"), 8U); }

TEST(format, wrapping_breaks_between_words_and_indents) {
  EXPECT_EQ(wrapped("one two three four", 12, 3), "one two\n   three\n   four");
  EXPECT_EQ(wrapped("", 10, 2), "");
}

TEST(table, columns_line_up_to_the_right_but_the_first) {
  table t({"", "µs"});
  t.add({"a", "1"});
  t.add({"long", "1,000"});
  EXPECT_EQ(t.to_string(),
            "           µs\n"
            "  ───────────\n"
            "  a         1\n"
            "  long  1,000\n");
}

}  // namespace
}  // namespace weft::lab
