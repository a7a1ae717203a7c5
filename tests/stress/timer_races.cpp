// Races of timers: stop and reset against firing, notify against timeout, cancel against everything that watches.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>
#include <mutex>

using namespace std::chrono_literals;

class stop_vs_fire : public support::everywhere {};
WEFT_EVERYWHERE(stop_vs_fire);

TEST_P(stop_vs_fire, a_timer_stopped_in_time_never_delivers_and_one_that_was_not_does) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::timer t(std::chrono::microseconds(random.below(60)));
      support::let_others_run(random.below(8));
      if (random.below(2)) t.reset(std::chrono::microseconds(random.below(60)));
      t.stop();
      ASSERT_EQ(t.channel().try_recv(), std::nullopt);
    }
  });
}

TEST_P(stop_vs_fire, after_func_runs_exactly_when_stop_said_it_did) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::chan<void> ran(1);
      auto t = weft::after_func(std::chrono::microseconds(random.below(60)), [ran] { ran.send(); });
      support::let_others_run(random.below(8));
      if (t.stop()) {
        ASSERT_FALSE(ran.try_recv());
      } else {
        ASSERT_TRUE(ran.recv());  // hangs when it never runs
      }
    }
  });
}

// AddressSanitizer sees it when a firing comes too late.
TEST_P(stop_vs_fire, timers_and_tickers_may_go_while_they_fire) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      const weft::timer t(std::chrono::microseconds(random.below(30)));
      const weft::ticker k(std::chrono::microseconds(1 + random.below(30)));
      support::let_others_run(random.below(8));
    }
  });
}

class cond_notify_vs_timeout : public support::everywhere {};
WEFT_EVERYWHERE(cond_notify_vs_timeout);

// A notify that meets a waiter just timing out must go to another waiter, not be swallowed.
TEST_P(cond_notify_vs_timeout, no_notify_is_swallowed_by_a_waiter_that_timed_out) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::mutex m;
    weft::cond token_there;
    int tokens = 0;
    std::atomic<bool> stop{false};
    auto peers = crew();
    peers.start([&] {  // impatient: times out again and again, and counts a token only when it was notified
      auto random = run.generator();
      while (!stop) {
        std::unique_lock hold(m);
        if (token_there.wait_for(hold, std::chrono::microseconds(random.below(80))) == std::cv_status::no_timeout) {
          token_there.notify_one();  // pass it on
        }
      }
    });
    peers.start([&] {  // patient: relies on the notify
      std::unique_lock hold(m);
      while (!stop) {
        token_there.wait(hold, [&] { return tokens > 0 || stop; });
        tokens = 0;
      }
    });
    while (run.more()) {
      {
        std::lock_guard hold(m);
        ++tokens;
      }
      token_there.notify_one();
      ASSERT_TRUE(support::eventually([&] {
        std::lock_guard hold(m);
        return tokens == 0;
      }));
    }
    {
      std::lock_guard hold(m);
      stop = true;
    }
    token_there.notify_all();
  });
}

class context_cancel_race : public support::everywhere {};
WEFT_EVERYWHERE(context_cancel_race);

TEST_P(context_cancel_race, watchers_of_a_context_all_see_whoever_cancels_first) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      auto ctx = weft::with_timeout(weft::background(), std::chrono::microseconds(random.below(100)));
      std::atomic<int> called{0};
      auto child = weft::with_cancel(ctx);
      auto registration = weft::after_func(child, [&] { ++called; });
      auto peers = crew();
      peers.start([&] { child.done().recv(); });
      peers.start([&] { ctx.cancel(); });
      peers.start([&, ctx_copy = weft::context(ctx)] {
        auto grandchild = weft::with_cancel(ctx_copy);
        grandchild.done().recv();
        EXPECT_TRUE(grandchild.err() == std::errc::operation_canceled || grandchild.err() == std::errc::timed_out);
      });
      peers.join();
      ASSERT_TRUE(ctx.cancelled());
      if (registration.stop()) {
        ASSERT_EQ(called, 0);
      } else {
        ASSERT_TRUE(support::eventually([&] { return called == 1; }));
      }
    }
  });
}

TEST_P(context_cancel_race, semaphore_acquire_with_context_never_loses_units) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    weft::semaphore slots(2);
    while (run.more()) {
      auto ctx = weft::with_timeout(weft::background(), std::chrono::microseconds(random.below(50)));
      auto peers = crew();
      for (int i = 0; i < 4; ++i) {
        peers.start([&, i] {
          if (slots.acquire(ctx, 1 + i % 2)) slots.release(1 + i % 2);
        });
      }
      peers.join();
      ASSERT_TRUE(slots.try_acquire(2));
      slots.release(2);
    }
  });
}
