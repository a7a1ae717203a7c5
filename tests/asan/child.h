// A child program under AddressSanitizer, and what it should say.
#pragma once

#include "support/child.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace asan {

inline constexpr int reported = 66;

inline support::child_result run(const std::string& scenario, const char* options = "") {
  const char* given = std::getenv("ASAN_OPTIONS");
  const std::string all = std::string("ASAN_OPTIONS=") + (given ? given : "") +
                          ":detect_stack_use_after_return=1:detect_leaks=1:exitcode=66:" + options;
  return support::run_child(scenario, {all, "LSAN_OPTIONS=exitcode=66", "UBSAN_OPTIONS=print_stacktrace=1"},
                            std::chrono::seconds(60));
}

inline void expect_found(const std::string& scenario, const std::string& words) {
  const auto child = run(scenario);
  EXPECT_EQ(child.exit_status, reported) << child.err;
  EXPECT_THAT(child.err, support::mentions(words));
}

inline void expect_silent(const std::string& scenario) {
  const auto child = run(scenario);
  EXPECT_EQ(child.exit_status, 0) << child.err;
  EXPECT_EQ(child.err, "");
}

}  // namespace asan
