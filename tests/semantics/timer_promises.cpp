// What package time promises of Timer, Ticker, After and AfterFunc: more than the plain cases of sleep_timer.cpp and
// ticker.cpp.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

using namespace std::chrono_literals;

class timer_promises : public support::everywhere {};
WEFT_EVERYWHERE(timer_promises);

TEST_P(timer_promises, a_duration_of_zero_or_less_fires_at_once) {
  here([&] {
    for (weft::clock::duration d : {weft::clock::duration(0), weft::clock::duration(-1h), weft::clock::duration::min()}) {
      EXPECT_TRUE(weft::timer(d).channel().recv());
      EXPECT_TRUE(weft::after(d).recv());
      weft::chan<void> ran;
      auto t = weft::after_func(d, [ran] { ran.send(); });
      EXPECT_TRUE(ran.recv());
    }
  });
}

TEST_P(timer_promises, the_longest_duration_never_fires_and_can_be_stopped) {
  here([&] {
    weft::timer t(weft::clock::duration::max());
    auto fired = weft::on_recv(t.channel());
    auto late = weft::on_timeout(2ms);
    EXPECT_EQ(weft::select(fired, late), 1u);
    EXPECT_TRUE(t.stop());
  });
}

// Go 1.23: a value that nobody received counts as not fired, and stop or reset take it back.
TEST_P(timer_promises, an_unreceived_value_is_taken_back_by_stop_and_by_reset) {
  here([&] {
    weft::timer t(1us);
    ASSERT_TRUE(support::eventually([&] { return t.channel().size() == 1; }));
    EXPECT_TRUE(t.stop());
    EXPECT_EQ(t.channel().try_recv(), std::nullopt);
    t.reset(1us);
    ASSERT_TRUE(support::eventually([&] { return t.channel().size() == 1; }));
    EXPECT_TRUE(t.reset(1h));
    EXPECT_EQ(t.channel().try_recv(), std::nullopt);
  });
}

TEST_P(timer_promises, an_unread_tick_is_taken_back_by_stop_and_by_reset) {
  here([&] {
    weft::ticker beat(1ms);
    const auto ticks = beat.channel();
    ASSERT_TRUE(support::eventually([&] { return ticks.size() == 1; }));
    beat.reset(1h);
    EXPECT_EQ(ticks.try_recv(), std::nullopt);
    beat.reset(1ms);
    ASSERT_TRUE(support::eventually([&] { return ticks.size() == 1; }));
    beat.stop();
    EXPECT_EQ(ticks.try_recv(), std::nullopt);
  });
}

TEST_P(timer_promises, reset_moves_the_time_both_ways) {
  here([&] {
    weft::timer t(1h);
    auto start = weft::clock::now();
    t.reset(2ms);  // earlier
    EXPECT_GE(*t.channel().recv(), start + 2ms);
    t.reset(2ms);
    start = weft::clock::now();
    t.reset(6ms);  // later
    EXPECT_GE(*t.channel().recv(), start + 6ms);
    EXPECT_EQ(t.channel().try_recv(), std::nullopt);  // once
  });
}

TEST_P(timer_promises, stop_wakes_nobody_and_does_not_close_the_channel) {
  here([&] {
    weft::timer t(1h);
    weft::ticker beat(1h);
    t.stop();
    beat.stop();
    auto fired = weft::on_recv(t.channel());
    auto ticked = weft::on_tick(beat);
    auto late = weft::on_timeout(2ms);
    EXPECT_EQ(weft::select(fired, ticked, late), 2u);
    EXPECT_FALSE(t.channel().closed());
    EXPECT_FALSE(beat.channel().closed());
  });
}

TEST_P(timer_promises, a_receiver_that_waits_gets_the_value_of_the_new_setting) {
  here([&] {
    weft::timer t(1h);
    const auto start = weft::clock::now();
    auto peers = crew();
    peers.start([&] { EXPECT_GE(*t.channel().recv(), start + 3ms); });
    support::let_others_run();
    t.reset(3ms);
  });
}

TEST_P(timer_promises, one_of_several_concurrent_stops_says_true) {
  here([&] {
    for (int i = 0; i < 30; ++i) {
      weft::timer t(1h);
      std::atomic<int> stopped{0};
      auto peers = crew();
      for (int k = 0; k < 3; ++k) {
        peers.start([&] {
          if (t.stop()) ++stopped;
        });
      }
      peers.join();
      EXPECT_EQ(stopped, 1);
    }
  });
}

TEST_P(timer_promises, after_func_may_stop_and_reset_its_own_timer) {
  here([&] {
    weft::chan<bool> said;
    auto place = std::make_shared<std::optional<weft::timer>>();
    weft::chan<void> placed(1);
    std::atomic<int> runs{0};
    *place = weft::after_func(1us, [&, place] {
      if (runs == 0) placed.recv();
      if (++runs < 3) {
        said.send((*place)->reset(1us));
      } else {
        said.send((*place)->stop());
      }
    });
    placed.send();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(said.recv(), false);  // it had fired: that is why we run
    EXPECT_EQ(runs, 3);
    EXPECT_FALSE((*place)->stop());  // waits until nothing fires
    place->reset();                  // breaks the circle through the closure
  });
}

TEST_P(timer_promises, after_func_has_no_channel_and_runs_though_its_handle_is_gone) {
  here([&] {
    weft::chan<void> ran;
    {
      auto t = weft::after_func(1ms, [ran] { ran.send(); });
      EXPECT_FALSE(t.channel());
    }
    EXPECT_TRUE(ran.recv());
  });
}

TEST_P(timer_promises, a_stopped_after_func_lets_go_of_what_it_holds_when_its_handle_goes) {
  here([&] {
    auto held = std::make_shared<int>(1);
    {
      auto t = weft::after_func(1h, [held] {});
      EXPECT_TRUE(t.stop());
    }
    EXPECT_EQ(held.use_count(), 1);
  });
}

TEST_P(timer_promises, no_tick_comes_before_a_whole_period_of_its_own) {
  here([&] {
    weft::ticker beat(1ms);
    beat.channel().recv();
    const auto start = weft::clock::now();
    beat.reset(5ms);
    EXPECT_GE(*beat.channel().recv(), start + 5ms);  // nothing left over from the old period
  });
}

TEST_P(timer_promises, a_ticker_that_dies_ticks_no_more_and_its_channel_stays_open) {
  here([&] {
    weft::receiver<weft::clock::time_point> ticks;
    {
      weft::ticker beat(1ms);
      ticks = beat.channel();
      ticks.recv();
    }
    while (ticks.try_recv()) continue;
    auto tick = weft::on_recv(ticks);
    auto late = weft::on_timeout(5ms);
    EXPECT_EQ(weft::select(tick, late), 1u);
    EXPECT_FALSE(ticks.closed());
  });
}

TEST_P(timer_promises, a_moved_ticker_goes_on_ticking) {
  here([&] {
    weft::ticker first(1ms);
    weft::ticker second = std::move(first);
    EXPECT_TRUE(second.channel().recv());
    EXPECT_TRUE(second.channel().recv());
  });
}

namespace {

// The median place, within its period, of a tick that comes after one that fired late, behind a loop on the only processor.
weft::clock::duration phase_after_late_ticks(weft::clock::duration period) {
  const auto origin = weft::clock::now();
  weft::ticker beat(period);
  const auto ticks = beat.channel();
  std::vector<weft::clock::duration> phases;
  for (int i = 0; i < 13; ++i) {
    const auto end = weft::clock::now() + 13ms;
    while (weft::clock::now() < end) continue;
    ticks.recv();  // late, more or less
    phases.push_back((*ticks.recv() - origin) % period);
  }
  std::sort(phases.begin(), phases.end());
  return phases[phases.size() / 2];
}

}  // namespace

// Ticks stay on the grid of the period, also when one is late and when one is missed: a ticker that counted from each
// firing would drift to any phase. A busy machine gets three chances.
TEST(ticker_phase, is_kept_when_ticks_fire_late_or_are_missed) {
  support::procs_scope one(1);
  for (const weft::clock::duration period : {20ms, 8ms}) {
    bool is_kept = false;
    for (int i = 0; i < 3 && !is_kept; ++i)
      support::on_goroutine([&] { is_kept = phase_after_late_ticks(period) < period / 6; });
    EXPECT_TRUE(is_kept) << period.count();
  }
}

// The function lies in the timer's own block: when it cannot be moved there, nothing is armed or left allocated.
TEST(after_func, a_function_that_cannot_be_moved_into_it_arms_nothing) {
  struct fragile {
    int* runs;
    int copies = 0;
    explicit fragile(int* counter) : runs(counter) {}
    fragile(const fragile& other) : runs(other.runs), copies(other.copies + 1) {
      if (copies == 2) throw std::runtime_error("no second copy");  // the first is the argument
    }
    void operator()() const { ++*runs; }
  };
  weft::run([] {
    int runs = 0;
    const fragile f(&runs);
    for (int i = 0; i < 100; ++i) {
      EXPECT_THROW(weft::after_func(std::chrono::nanoseconds(0), f), std::runtime_error);
    }
    weft::after(std::chrono::nanoseconds(0)).recv();  // due after they would have been
    EXPECT_EQ(runs, 0);
  });
}

// The last reference may be the handle's, the armed timer's or the running function's: each destroys the function once.
TEST(after_func, its_function_is_destroyed_once_whoever_lets_go_last) {
  weft::run([] {
    auto held = std::make_shared<int>(0);
    for (int i = 0; i < 50; ++i) {
      {
        weft::timer stopped = weft::after_func(std::chrono::hours(1), [held] {});
        EXPECT_TRUE(stopped.stop());
      }
      weft::chan<void> ran(1);
      weft::timer kept = weft::after_func(std::chrono::nanoseconds(0), [held, ran] { ran.send(); });
      ran.recv();
      kept.reset(std::chrono::nanoseconds(0));  // runs it again
      ran.recv();
      weft::after_func(std::chrono::nanoseconds(0), [held, ran] { ran.send(); });  // dropped at once
      ran.recv();
    }
    EXPECT_TRUE(support::eventually([&] { return held.use_count() == 1; }));
  });
}
