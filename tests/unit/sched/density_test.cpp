// When timers come densely enough to be gathered: sched/watch.h, G1.
#include <gtest/gtest.h>
#include <weft/weft.h>

#include <atomic>

#include "sched/watch.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using weft::sched::density;

constexpr std::int64_t ms = 1'000'000;

// The watcher's looks, and the timers that fire in between.
struct watcher {
  density seen;
  std::int64_t now = 0;
  std::uint64_t fired = 0;

  bool after(std::int64_t pause_ns, std::uint64_t fires) {
    now += pause_ns;
    fired += fires;
    seen.judge(now, fired);
    return seen.is_dense.load(weft::base::relaxed);
  }
  void become_dense() {
    for (int i = 0; i < 3; ++i) after(ms, 1000);
    ASSERT_TRUE(seen.is_dense.load(weft::base::relaxed));
  }
};

TEST(density, takes_three_milliseconds_of_many_timers) {
  watcher w;
  EXPECT_FALSE(w.after(ms, 64));
  EXPECT_FALSE(w.after(ms, 64));
  EXPECT_TRUE(w.after(ms, 64));
}

TEST(density, counts_whole_milliseconds_however_often_the_watcher_looks) {
  watcher w;
  for (int look = 0; look < 29; ++look) EXPECT_FALSE(w.after(ms / 10, 50)) << look;
  EXPECT_TRUE(w.after(ms / 10, 50));
}

TEST(density, is_not_reached_by_fewer) {
  watcher w;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(w.after(ms, 63));
}

TEST(density, is_not_reached_by_bursts_that_are_few_on_average) {
  watcher w;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(w.after(9 * ms, 60));
    EXPECT_FALSE(w.after(ms, 500));
  }
}

TEST(density, stays_while_there_are_some_and_ends_with_the_first_interval_of_few) {
  watcher w;
  w.become_dense();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(w.after(ms, 16));
  EXPECT_FALSE(w.after(ms, 15));
  EXPECT_FALSE(w.after(ms, 63));
}

TEST(density, ends_with_a_long_pause) {
  watcher w;
  w.become_dense();
  EXPECT_FALSE(w.after(100 * ms, 1000));
}

// With the real scheduler, which sleeps between: the witness looks while everybody else does.
TEST(density, is_found_among_many_sleepers_and_never_with_a_lonely_one) {
  for (const int procs : {1, 2}) {
    weft::run(
        [] {
          for (int i = 0; i < 100; ++i) {
            weft::sleep(200us);
            EXPECT_FALSE(weft::sched::timers_are_dense());
          }
          std::atomic<bool> stop{false};
          weft::wait_group many;
          for (int i = 0; i < 300; ++i)
            many.go([&] {
              while (!stop) weft::sleep(2ms);
            });
          const auto limit = weft::clock::now() + support::stretched(20s);
          while (!weft::sched::timers_are_dense() && weft::clock::now() < limit) weft::sleep(1ms);
          EXPECT_TRUE(weft::sched::timers_are_dense());
          stop = true;
          many.wait();
          while (weft::sched::timers_are_dense() && weft::clock::now() < limit) weft::sleep(1ms);  // until it is judged again
          for (int i = 0; i < 100; ++i) {
            weft::sleep(200us);
            EXPECT_FALSE(weft::sched::timers_are_dense());
          }
        },
        {.procs = procs});
  }
}

}  // namespace
