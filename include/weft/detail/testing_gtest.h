// <weft/testing.h> in a file that has included <gtest/gtest.h> before it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace weft::testing {

namespace impl {

// Failed EXPECTs and ASSERTs of the current test, or outside of tests.
inline std::size_t count_gtest_failures() {
  const auto* unit = ::testing::UnitTest::GetInstance();
  const auto* info = unit->current_test_info();
  const ::testing::TestResult& result = info ? *info->result() : unit->ad_hoc_test_result();
  std::size_t failures = 0;
  for (int i = 0; i < result.total_part_count(); ++i) failures += result.GetTestPartResult(i).failed();
  return failures;
}

inline void add_gtest_failure(const std::string& report) { ADD_FAILURE() << report; }

[[maybe_unused]] inline const bool gtest_is_told =
    (set_failure_count(count_gtest_failures), set_leak_handler(add_gtest_failure), true);

// Listeners hear of an end in reverse order: ours speaks before the result is printed.
class leak_listener : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { check_.emplace(); }
  void OnTestEnd(const ::testing::TestInfo&) override { check_.reset(); }
  std::optional<leak_check> check_;
};

}  // namespace impl

// main() of a GoogleTest program in which a test fails that leaves goroutines behind. What its SetUp starts, its TearDown
// has to end; what SetUpTestSuite and environments start is not counted.
inline int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new impl::leak_listener);
  return RUN_ALL_TESTS();
}

}  // namespace weft::testing
