// <weft/testing.h> in a file that has included <gtest/gtest.h> before it.
#pragma once

#include <cstddef>

namespace weft::testing::impl {

// Failed EXPECTs and ASSERTs of the current test, or outside of tests.
inline std::size_t count_gtest_failures() {
  const auto* unit = ::testing::UnitTest::GetInstance();
  const auto* info = unit->current_test_info();
  const ::testing::TestResult& result = info ? *info->result() : unit->ad_hoc_test_result();
  std::size_t failures = 0;
  for (int i = 0; i < result.total_part_count(); ++i) failures += result.GetTestPartResult(i).failed();
  return failures;
}

[[maybe_unused]] inline const bool gtest_failures_are_counted = (set_failure_count(count_gtest_failures), true);

}  // namespace weft::testing::impl
