#include "os/clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace {

std::int64_t steady_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TEST(clock, is_the_clock_of_chrono) {
  const std::int64_t before = steady_ns();
  const std::int64_t now = weft::os::monotonic_ns();
  const std::int64_t after = steady_ns();
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
}

}  // namespace
