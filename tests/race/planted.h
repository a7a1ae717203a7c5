// A planted race and its corrected twin: one scenario, run as two child programs.
//
//   PLANTED(missing_lock) {
//     int hits = 0;
//     support::crew two;
//     for (int i = 0; i < 2; ++i)
//       two.start([&] {
//         std::unique_lock hold(m, std::defer_lock);
//         if (corrected) hold.lock();
//         ++hits;
//       });
//   }
//
// The test wants the race reported when `corrected` is false, and silence and a clean exit when it is true.
//
// Who made the first access must not spin until the second is made, also not by yield(): the detector says nothing of a
// race whose first access is no longer among the 30,000 to 100,000 events (accesses, calls, returns) that it remembers of
// a goroutine, as it could not show where it was made. A partner who gets no CPU for a few milliseconds is enough. Wait
// by sleep(), which makes few events.
#pragma once

#include "support/child.h"

#include <weft/weft.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace race {

// In a child: the program does what it is for, whatever the detector thinks of it.
inline void want(bool holds) {
  if (!holds) std::abort();
}

// A number for whose history the detector has room: it remembers four accesses to each eight bytes, and would forget
// these for the sake of a flag beside them.
struct alignas(64) plain {
  int value = 0;
  operator int&() noexcept { return value; }
  plain& operator=(int to) noexcept {
    value = to;
    return *this;
  }
};

inline constexpr int reported = 66;  // ThreadSanitizer's exit status

inline support::child_result run(const std::string& scenario, const char* procs) {
  const char* options = std::getenv("TSAN_OPTIONS");
  const std::string all =
      std::string("TSAN_OPTIONS=") + (options ? options : "") + ":exitcode=66:halt_on_error=0:atexit_sleep_ms=0";
  return support::run_child(scenario, {procs, all}, std::chrono::seconds(60));
}

// On any number of processors: who shares a worker is in no better order than who does not.
inline void expect_found(const std::string& scenario) {
  for (const char* procs : {"WEFT_PROCS=1", "WEFT_PROCS=2"}) {
    const auto child = run(scenario, procs);
    EXPECT_EQ(child.exit_status, reported) << procs << '\n' << child.err;
    EXPECT_THAT(child.err, support::mentions("ThreadSanitizer: data race")) << procs;
    EXPECT_THAT(child.err, support::mentions("goroutine")) << procs;
  }
}

inline void expect_silent(const std::string& scenario) {
  for (const char* procs : {"WEFT_PROCS=1", "WEFT_PROCS=2"}) {
    const auto child = run(scenario, procs);
    EXPECT_EQ(child.exit_status, 0) << procs << '\n' << child.err;
    EXPECT_EQ(child.err, "") << procs;
  }
}

}  // namespace race

#define PLANTED(name)                                                                       \
  static void name(bool corrected);                                                         \
  WEFT_CHILD(name##_planted) { return weft::run([] { name(false); }); }                     \
  WEFT_CHILD(name##_corrected) { return weft::run([] { name(true); }); }                    \
  TEST(planted_race, name##_is_found) { race::expect_found(#name "_planted"); }             \
  TEST(planted_race, name##_corrected_is_silent) { race::expect_silent(#name "_corrected"); } \
  static void name([[maybe_unused]] bool corrected)

// A program without races, which a detector that misses an edge would complain about.
#define ORDERED(name)                                           \
  static void name();                                           \
  WEFT_CHILD(name##_ordered) { return weft::run([] { name(); }); } \
  TEST(ordered, name) { race::expect_silent(#name "_ordered"); } \
  static void name()
