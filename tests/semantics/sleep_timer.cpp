// sleep, timer, after and after_func: never early, in order, cheap to stop, stop and reset tell the truth.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <vector>

using namespace std::chrono_literals;

namespace {

weft::clock::duration elapsed_in(auto&& f) {
  const auto start = weft::clock::now();
  f();
  return weft::clock::now() - start;
}

}  // namespace

class sleep_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(sleep_everywhere);

TEST_P(sleep_everywhere, never_returns_early_nor_much_too_late) {
  here([&] {
    for (auto d : {1us, 100us, 1000us, 5000us}) {
      const auto took = elapsed_in([&] { weft::sleep(d); });
      EXPECT_GE(took, d);
      EXPECT_LT(took, d + support::stretched(2s));
    }
  });
}

TEST_P(sleep_everywhere, zero_negative_and_past_return_at_once) {
  here([&] {
    const auto took = elapsed_in([&] {
      weft::sleep(0s);
      weft::sleep(-1h);
      weft::sleep_until(weft::clock::now() - 1h);
      weft::sleep_until(weft::clock::time_point::min());
    });
    EXPECT_LT(took, support::stretched(5s));
  });
}

TEST_P(sleep_everywhere, sleep_until_reaches_its_time_point) {
  here([&] {
    const auto when = weft::clock::now() + 3ms;
    weft::sleep_until(when);
    EXPECT_GE(weft::clock::now(), when);
  });
}

TEST_P(sleep_everywhere, sleepers_wake_in_the_order_of_their_deadlines) {
  here([&] {
    weft::chan<int> woke(3);
    weft::wait_group started;
    started.add(3);
    weft::chan<weft::clock::time_point> begin(3);
    auto peers = crew();
    for (int i : {2, 0, 1}) {
      peers.start([&, i] {
        started.done();
        weft::sleep_until(*begin.recv() + 20ms + i * 100ms);
        woke.send(i);
      });
    }
    started.wait();  // a thread may take long to start
    const auto now = weft::clock::now();
    for (int i = 0; i < 3; ++i) begin.send(now);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(woke.recv(), i);
  });
}

TEST_P(sleep_everywhere, a_thousand_sleepers_do_not_add_up) {
  here([&] {
    const auto took = elapsed_in([&] {
      support::crew sleepers;
      for (int i = 0; i < 1000; ++i) sleepers.start([] { weft::sleep(10ms); });
    });
    EXPECT_GE(took, 10ms);
    EXPECT_LT(took, support::stretched(5s));  // one after another would be ten seconds
  });
}

class timer_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(timer_everywhere);

TEST_P(timer_everywhere, fires_once_with_the_time) {
  here([&] {
    const auto start = weft::clock::now();
    weft::timer t(5ms);
    const auto fired = t.channel().recv();
    ASSERT_TRUE(fired);
    EXPECT_GE(*fired, start + 5ms);
    EXPECT_EQ(t.channel().try_recv(), std::nullopt);
  });
}

TEST_P(timer_everywhere, stop_before_firing_says_true_and_nothing_comes) {
  here([&] {
    weft::timer t(1h);
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    EXPECT_EQ(t.channel().try_recv(), std::nullopt);
  });
}

TEST_P(timer_everywhere, stop_after_the_value_was_received_says_false) {
  here([&] {
    weft::timer t(1us);
    ASSERT_TRUE(t.channel().recv());
    EXPECT_FALSE(t.stop());
  });
}

TEST_P(timer_everywhere, reset_moves_the_deadline_and_says_whether_it_was_pending) {
  here([&] {
    weft::timer t(1h);
    EXPECT_TRUE(t.reset(2ms));
    EXPECT_TRUE(t.channel().recv());
    EXPECT_FALSE(t.reset(1ms));
    EXPECT_TRUE(t.channel().recv());
  });
}

TEST_P(timer_everywhere, no_stale_value_after_stop_or_reset) {
  here([&] {
    for (int i = 0; i < 100; ++i) {
      weft::timer t(1us);
      support::let_others_run(i % 7);
      t.stop();
      EXPECT_EQ(t.channel().try_recv(), std::nullopt);
      const auto start = weft::clock::now();
      t.reset(200us);
      const auto fired = t.channel().recv();
      ASSERT_TRUE(fired);
      EXPECT_GE(*fired, start + 200us);
    }
  });
}

TEST_P(timer_everywhere, after_delivers_once) {
  here([&] {
    const auto start = weft::clock::now();
    EXPECT_TRUE(weft::after(3ms).recv());
    EXPECT_GE(weft::clock::now() - start, 3ms);
  });
}

TEST_P(timer_everywhere, after_func_runs_in_a_goroutine_of_its_own) {
  here([&] {
    weft::chan<std::uint64_t> ran;
    auto t = weft::after_func(1ms, [ran] {
      EXPECT_TRUE(weft::on_goroutine());
      ran.send(weft::goroutine_id());
    });
    const auto id = ran.recv();
    EXPECT_NE(id, 0u);
    EXPECT_NE(id, weft::goroutine_id());
  });
}

TEST_P(timer_everywhere, after_func_stopped_in_time_never_runs) {
  here([&] {
    std::atomic<bool> ran{false};
    auto t = weft::after_func(1h, [&] { ran = true; });
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(ran);
  });
}

TEST_P(timer_everywhere, after_func_may_be_reset_to_run_again) {
  here([&] {
    weft::chan<void> ran;
    auto t = weft::after_func(1us, [ran] { ran.send(); });
    ran.recv();
    EXPECT_FALSE(t.reset(1us));
    ran.recv();
  });
}

TEST_P(timer_everywhere, after_func_may_block_without_delaying_other_timers) {
  here([&] {
    weft::chan<void> release, blocked;
    auto slow = weft::after_func(1us, [blocked, release] {
      blocked.send();
      release.recv();
      blocked.send();
    });
    blocked.recv();
    EXPECT_TRUE(weft::after(1ms).recv());
    release.close();
    blocked.recv();
  });
}

TEST(timer, a_pending_timer_may_be_destroyed) {
  for (int i = 0; i < 1000; ++i) weft::timer t(std::chrono::microseconds(i % 50));
}

TEST(timer, its_channel_outlives_it) {
  weft::receiver<weft::clock::time_point> ch = weft::after(1ms);
  EXPECT_TRUE(ch.recv());
}

TEST(timer, timers_fire_in_order_among_many_that_were_stopped) {
  std::vector<weft::timer> doomed;
  weft::chan<int> order(100);
  std::vector<weft::timer> kept;
  for (int i = 0; i < 5000; ++i) doomed.emplace_back(10ms + std::chrono::microseconds(i));
  const auto late = weft::after(1s);
  for (auto& t : doomed) t.stop();
  EXPECT_TRUE(late.recv());
  for (auto& t : doomed) EXPECT_EQ(t.channel().try_recv(), std::nullopt);
}
