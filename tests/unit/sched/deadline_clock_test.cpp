// The clock that deadlines are computed from: sched/deadline_clock.h.
#include <gtest/gtest.h>
#include <weft/weft.h>

#include "os/clock.h"
#include "sched/deadline_clock.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using weft::os::monotonic_ns;
using weft::sched::deadline_clock;

constexpr std::int64_t us = 1'000;

// The monitor measures too: so the rate is known, or cannot be, once it has been awake for a while.
void let_the_rate_become_known() {
  weft::run([] {
    for (int i = 0; i < 10; ++i) weft::sleep(5ms);
  });
}

// DC1, over readings that are remembered and such that are not.
TEST(deadline_clock, is_never_behind_the_clock_and_little_ahead) {
  let_the_rate_become_known();
  deadline_clock mine;
  int far_ahead = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::int64_t before = monotonic_ns(), now = mine.now(), after = monotonic_ns();
    ASSERT_GE(now, before) << i;
    far_ahead += now > after + 10 * us;
  }
  EXPECT_EQ(far_ahead, 0);
}

// What is remembered goes out of use: the time that passes meanwhile is not extrapolated.
TEST(deadline_clock, reads_the_clock_again_after_a_pause) {
  let_the_rate_become_known();
  deadline_clock mine;
  for (int i = 0; i < 20; ++i) {
    mine.now();
    const std::int64_t until = monotonic_ns() + 1000 * us;
    while (monotonic_ns() < until) {}
    const std::int64_t before = monotonic_ns(), now = mine.now(), after = monotonic_ns();
    EXPECT_GE(now, before);
    EXPECT_LE(now, after);
  }
}

// Sleeps and timers are computed from it, and are not shorter than they say.
TEST(deadline_clock, lets_nothing_fire_early) {
  weft::run([] {
    for (int i = 0; i < 300; ++i) {
      const auto start = weft::clock::now();
      weft::sleep(100us);
      EXPECT_GE(weft::clock::now() - start, 100us);
      weft::timer t(50us);
      const auto set = weft::clock::now();
      t.reset(100us);
      EXPECT_GE(*t.channel().recv() - set, 100us);
    }
  });
}

}  // namespace
