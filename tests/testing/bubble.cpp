// testing::bubble: virtual time, from every kind of caller on 1, 2 and 8 processors.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <gmock/gmock.h>
#include <weft/testing.h>

#include <ctime>
#include <mutex>
#include <thread>

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using weft::testing::bubble;
using weft::testing::settle;

std::int64_t real_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

class bubble_everywhere : public support::everywhere {};
// The partners' kind plays no part here.
INSTANTIATE_TEST_SUITE_P(from, bubble_everywhere,
                         testing::ValuesIn([] {
                           std::vector<support::place> places;
                           for (int procs : {1, 2, 8})
                             for (auto who : {support::caller::goroutine, support::caller::plain_thread,
                                              support::caller::run_main})
                               places.push_back({who, support::kind::goroutine, procs});
                           return places;
                         }()),
                         [](const auto& info) { return support::name_of(info.param); });

TEST_P(bubble_everywhere, an_hour_of_sleeps_takes_milliseconds) {
  here([] {
    const std::int64_t start = real_ns();
    std::atomic<int> naps{0};
    bubble([&] {
      const auto before = weft::clock::now();
      weft::wait_group wg;
      for (int sleeper = 0; sleeper < 10; ++sleeper)
        wg.go([&] {
          for (int second = 0; second < 3600; ++second) {
            weft::sleep(1s);
            ++naps;
          }
        });
      wg.wait();
      EXPECT_EQ(weft::clock::now() - before, 1h);
    });
    EXPECT_EQ(naps, 36'000);
    EXPECT_LT(real_ns() - start, support::stretched(10s).count());  // milliseconds, on a machine of one's own
  });
}

TEST_P(bubble_everywhere, every_bubble_begins_at_the_same_moment_and_both_clocks_are_virtual) {
  here([] {
    std::vector<weft::clock::time_point> begins;
    for (int i = 0; i < 3; ++i)
      bubble([&] {
        begins.push_back(weft::clock::now());
        EXPECT_EQ(std::chrono::system_clock::now(), std::chrono::sys_days(std::chrono::year(2000) / 1 / 1));
        weft::sleep(36h);
        EXPECT_EQ(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()),
                  std::chrono::sys_days(std::chrono::year(2000) / 1 / 2));
      });
    EXPECT_EQ(begins[0], begins[1]);
    EXPECT_EQ(begins[0], begins[2]);
  });
}

TEST_P(bubble_everywhere, those_outside_keep_real_time) {
  here([] {
    std::thread outsider;
    bubble([&] {
      weft::sleep(24h);
      const auto inside = weft::clock::now();
      weft::clock::time_point there;
      std::int64_t real = 0;
      weft::blocking([&] {
        std::thread([&] {
          there = weft::clock::now();
          real = real_ns();
        }).join();
      });
      EXPECT_LT(std::abs(there.time_since_epoch().count() - real), 10'000'000'000);
      EXPECT_EQ(weft::clock::now(), inside);
    });
    EXPECT_LT(std::abs(weft::clock::now().time_since_epoch().count() - real_ns()), 10'000'000'000);
  });
}

TEST_P(bubble_everywhere, timeouts_timers_and_tickers_fire_at_their_virtual_moment) {
  here([] {
    bubble([] {
      const auto start = weft::clock::now();
      const auto passed = [&] { return weft::clock::now() - start; };

      weft::chan<int> silent;
      auto value = weft::on_recv(silent);
      auto late = weft::on_timeout(5min);
      EXPECT_EQ(weft::select(value, late), 1u);
      EXPECT_EQ(passed(), 5min);

      EXPECT_EQ(weft::after(10min).recv(), start + 15min);

      weft::ticker beat(1min);
      for (int tick = 1; tick <= 3; ++tick) {
        auto t = weft::on_tick(beat);
        weft::select(t);
        EXPECT_EQ(passed(), 15min + tick * 1min);
      }
      beat.stop();

      weft::chan<weft::clock::duration> fired(1);
      auto t = weft::after_func(1h, [&, fired] { fired.send(passed()); });
      EXPECT_EQ(fired.recv(), 18min + 1h);

      auto ctx = weft::with_timeout(weft::background(), 2h);
      EXPECT_EQ(*ctx.deadline(), weft::clock::now() + 2h);
      ctx.done().recv();
      EXPECT_EQ(passed(), 78min + 2h);
      EXPECT_EQ(ctx.err(), std::errc::timed_out);

      weft::mutex m;
      weft::cond never;
      std::unique_lock hold(m);
      EXPECT_EQ(never.wait_until(hold, weft::clock::now() + 30s), std::cv_status::timeout);
      EXPECT_EQ(passed(), 198min + 30s);
      weft::sleep_until(start + 200min);
      EXPECT_EQ(passed(), 200min);
    });
  });
}

TEST_P(bubble_everywhere, timers_fire_in_the_order_of_their_deadlines) {
  here([] {
    bubble([] {
      std::vector<int> order;
      weft::mutex guards_order;
      weft::wait_group wg;
      for (int k : {5, 3, 9, 1, 7})
        wg.go([&, k] {
          weft::sleep(k * 1h);
          std::lock_guard hold(guards_order);
          order.push_back(k);
        });
      wg.wait();
      EXPECT_EQ(order, (std::vector{1, 3, 5, 7, 9}));
    });
  });
}

TEST_P(bubble_everywhere, a_stopped_timer_leaves_no_trace_in_time) {
  here([] {
    bubble([] {
      const auto start = weft::clock::now();
      {
        weft::timer never(1min);
        EXPECT_TRUE(never.stop());
      }
      weft::timer moved(1h);
      EXPECT_TRUE(moved.reset(3h));
      EXPECT_EQ(moved.channel().recv(), start + 3h);
    });
  });
}

TEST_P(bubble_everywhere, settle_returns_once_all_others_are_blocked_and_time_stands_still) {
  here([] {
    for (int round = 0; round < 20; ++round)
      bubble([] {
        const auto start = weft::clock::now();
        std::atomic<int> arrived{0};
        weft::chan<void> gate;
        for (int i = 0; i < 8; ++i)
          weft::go([&, i] {
            if (i % 2) weft::yield();
            ++arrived;
            if (i < 4) gate.recv();
            else weft::sleep(1h);
            ++arrived;
          });
        settle();
        EXPECT_EQ(arrived, 8);
        EXPECT_EQ(weft::clock::now(), start);
        gate.close();
        settle();
        EXPECT_EQ(arrived, 12);
        weft::sleep(1h);
        settle();
        EXPECT_EQ(arrived, 16);
      });
  });
}

TEST_P(bubble_everywhere, goroutines_started_in_any_way_belong_to_the_bubble) {
  here([] {
    std::atomic<int> done{0};
    bubble([&] {
      const auto nap = [&] {
        weft::sleep(1h);
        ++done;
      };
      weft::go(nap);
      weft::wait_group wg;
      wg.go(nap);
      weft::task_group tasks;
      tasks.go(nap);
      auto t = weft::after_func(1h, nap);
      auto ctx = weft::with_timeout(weft::background(), 1h);
      auto callback = weft::after_func(ctx, nap);
      weft::go([&] { weft::go([&] { weft::go(nap); }); });
      weft::run(nap);
      wg.wait();
      EXPECT_TRUE(tasks.wait());
      weft::sleep(2h);
      settle();
      EXPECT_EQ(done, 7);
    });
    EXPECT_EQ(done, 7);
  });
}

TEST_P(bubble_everywhere, it_waits_for_all_its_goroutines) {
  here([] {
    std::atomic<int> ended{0};
    bubble([&] {
      for (int i = 0; i < 20; ++i)
        weft::go([&] {
          for (int k = 0; k < 20; ++k) weft::yield();
          ++ended;
        });
    });
    EXPECT_EQ(ended, 20);
  });
}

template <class F>
std::string failure_of(F f) {
  try {
    bubble(f);
  } catch (const weft::testing::failure& e) {
    return e.what();
  }
  return "no failure";
}

TEST_P(bubble_everywhere, deadlock_fails_with_all_its_goroutines) {
  here([] {
    auto stuck = std::make_shared<weft::chan<int>>();
    const std::string report = failure_of([&] {
      weft::go({.name = "reader"}, [stuck] { stuck->recv(); });
      weft::sleep(3min);
      auto m = std::make_shared<weft::mutex>();
      m->lock();
      m->lock();
    });
    EXPECT_THAT(report, HasSubstr("deadlock"));
    EXPECT_THAT(report, HasSubstr("[chan receive, 3 minutes]: reader"));
    EXPECT_THAT(report, HasSubstr("[mutex lock, 0 ms]: bubble"));
    EXPECT_THAT(report, HasSubstr("waits for 0x"));
    EXPECT_THAT(report, HasSubstr("created by"));
    EXPECT_THAT(report, HasSubstr("bubble.cpp:"));  // the line it was created in
    stuck->close();  // wakes an abandoned goroutine: nothing happens
  });
}

TEST_P(bubble_everywhere, goroutines_left_behind_fail_and_time_does_not_move_for_them) {
  here([] {
    const std::string report = failure_of([] {
      weft::go({.name = "heartbeat"}, [] {
        weft::ticker beat(1s);
        for (;;) {
          auto t = weft::on_tick(beat);
          weft::select(t);
        }
      });
    });
    EXPECT_THAT(report, HasSubstr("has returned"));
    EXPECT_THAT(report, HasSubstr("[select, 0 ms]: heartbeat"));
  });
}

TEST_P(bubble_everywhere, exceptions_of_the_function_come_back_those_of_others_fail) {
  here([] {
    EXPECT_THROW(bubble([] { throw std::out_of_range("mine"); }), std::out_of_range);
    const std::string report = failure_of([] {
      weft::go({.name = "thrower"}, [] { throw std::runtime_error("no such luck"); });
      weft::sleep(1s);
    });
    EXPECT_THAT(report, HasSubstr("exception left a goroutine: std::runtime_error: no such luck"));
    EXPECT_THAT(report, HasSubstr("thrower"));
  });
}

TEST_P(bubble_everywhere, somebody_outside_may_be_waited_for) {
  here([] {
    weft::chan<int> from_outside;
    std::thread outsider;
    bubble([&] {
      const auto start = weft::clock::now();
      weft::go([] { weft::sleep(1h); });
      outsider = std::thread([&] { from_outside.send(7); });
      {
        weft::testing::outside thread_sends;
        EXPECT_EQ(from_outside.recv(), 7);
      }
      EXPECT_EQ(weft::clock::now(), start);
      weft::sleep(1h);
      weft::blocking([&] { outsider.join(); });
    });
  });
}

TEST_P(bubble_everywhere, timers_may_outlive_their_bubble_and_never_fire) {
  here([] {
    std::optional<weft::timer> left;
    std::atomic<bool> fired{false};
    bubble([&] { left = weft::after_func(1ns, [&] { fired = true; }); });
    weft::sleep(2ms);
    EXPECT_FALSE(fired);
    EXPECT_TRUE(left->stop());
  });
}

TEST(bubble, several_live_side_by_side_each_with_its_own_time) {
  std::vector<std::thread> threads;
  for (int hours = 1; hours <= 6; ++hours)
    threads.emplace_back([hours] {
      for (int round = 0; round < 50; ++round)
        bubble([&] {
          const auto start = weft::clock::now();
          weft::wait_group wg;
          for (int i = 0; i < 4; ++i)
            wg.go([&] {
              for (int k = 0; k < 10; ++k) weft::sleep(std::chrono::hours(hours));
            });
          wg.wait();
          EXPECT_EQ(weft::clock::now() - start, std::chrono::hours(10 * hours));
        });
    });
  for (auto& t : threads) t.join();
}

TEST(bubble, a_lot_of_goroutines_wake_at_once) {
  bubble([] {
    std::atomic<int> awake{0};
    for (int i = 0; i < 20'000; ++i)
      weft::go([&] {
        weft::sleep(1h);
        ++awake;
      });
    settle();
    EXPECT_EQ(awake, 0);
    weft::sleep(1h);
    settle();
    EXPECT_EQ(awake, 20'000);
  });
}

TEST(bubble_misuse, bubbles_do_not_nest) {
  bubble([] { EXPECT_THROW(bubble([] {}), weft::misuse); });
}

TEST(bubble_misuse, settle_and_outside_want_a_bubble) {
  EXPECT_THROW(settle(), weft::misuse);
  EXPECT_THROW({ weft::testing::outside not_in_one; }, weft::misuse);
  weft::run([] { EXPECT_THROW(settle(), weft::misuse); });
}

TEST(bubble_misuse, one_goroutine_settles_at_a_time) {
  bubble([] {
    std::atomic<int> refused{0};
    for (int i = 0; i < 2; ++i)
      weft::go([&] {
        try {
          settle();
        } catch (const weft::misuse&) {
          ++refused;
        }
      });
    weft::sleep(1s);
    EXPECT_EQ(refused, 1);  // the first cannot return before the second has called
    weft::go([] { EXPECT_NO_THROW(settle()); });
    weft::sleep(1s);
  });
}

}  // namespace
