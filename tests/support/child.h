// Child programs: scenarios that must end the process, kept beside the test that judges them.
//
//   WEFT_CHILD(unlocks_twice) { weft::mutex m; m.unlock(); return 0; }
//   TEST(mutex, unlock_of_unlocked_aborts) {
//     auto child = support::run_child("unlocks_twice");
//     EXPECT_EQ(child.signal, SIGABRT);
//     EXPECT_THAT(child.err, support::mentions("unlock"));
//   }
//
// The test binary starts itself again with `--child NAME`; tests/support/main.cpp then calls the scenario as if it were
// main, before GoogleTest and before any weft call.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <vector>

namespace support {

struct child_result {
  int exit_status = -1;  // -1: ended by a signal
  int signal = 0;        // 0: exited
  bool timed_out = false;
  double cpu_seconds = 0;
  double elapsed_seconds = 0;
  std::string out;
  std::string err;
};

std::ostream& operator<<(std::ostream&, const child_result&);

// Runs a scenario of this binary to its end. `env` entries ("NAME=value") replace those of this process.
child_result run_child(const std::string& scenario, const std::vector<std::string>& env = {},
                       std::chrono::seconds limit = std::chrono::seconds(30));

using scenario_fn = int (*)();
bool register_child(const char* name, scenario_fn);
scenario_fn find_child(const std::string& name);

inline std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

MATCHER_P(mentions, words, "mentions (in any case) \"" + std::string(words) + "\"") {
  static_cast<void>(result_listener);
  return lower(arg).find(lower(std::string(words))) != std::string::npos;
}

}  // namespace support

#define WEFT_CHILD(name)                                                                         \
  static int child_##name();                                                                     \
  [[maybe_unused]] static const bool child_##name##_known = support::register_child(#name, &child_##name); \
  static int child_##name()
