// weft::semaphore: weighted, first come first served, cancellable.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

#include <weft/weft.h>

#include <atomic>
#include <vector>

using namespace std::chrono_literals;

class semaphore_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(semaphore_everywhere);

TEST_P(semaphore_everywhere, admits_at_most_its_weight) {
  here([&] {
    weft::semaphore slots(3);
    std::atomic<int> inside{0};
    auto peers = crew();
    for (int i = 0; i < 6; ++i) {
      peers.start([&, i] {
        const int weight = 1 + i % 3;
        for (int k = 0; k < 50; ++k) {
          slots.acquire(weight);
          EXPECT_LE(inside += weight, 3);
          weft::yield();
          inside -= weight;
          slots.release(weight);
        }
      });
    }
    peers.join();
    EXPECT_TRUE(slots.try_acquire(3));
    EXPECT_FALSE(slots.try_acquire(1));
  });
}

TEST_P(semaphore_everywhere, a_large_request_is_not_overtaken_by_small_ones) {
  here([&] {
    weft::semaphore slots(2);
    slots.acquire(1);
    std::atomic<bool> large_got_it{false};
    auto peers = crew();
    peers.start([&] {
      slots.acquire(2);
      large_got_it = true;
      slots.release(2);
    });
    // One unit is free, but once the large request waits nobody may take it.
    EXPECT_TRUE(support::eventually([&] {
      if (!slots.try_acquire(1)) return true;
      slots.release(1);
      return false;
    }));
    peers.start([&] {
      slots.acquire(1);
      EXPECT_TRUE(large_got_it);
      slots.release(1);
    });
    support::let_others_run();
    EXPECT_FALSE(large_got_it);
    slots.release(1);
  });
}

TEST_P(semaphore_everywhere, acquire_with_a_context_gives_up_when_cancelled) {
  here([&] {
    weft::semaphore slots(1);
    slots.acquire(1);
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    const auto r = slots.acquire(ctx, 1);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), std::errc::timed_out);
    slots.release(1);
    EXPECT_TRUE(slots.acquire(weft::background(), 1));
    slots.release(1);
  });
}

TEST_P(semaphore_everywhere, a_cancelled_waiter_lets_those_behind_it_pass) {
  here([&] {
    weft::semaphore slots(2);
    slots.acquire(1);
    auto ctx = weft::with_cancel(weft::background());
    auto peers = crew();
    peers.start([&] {
      const auto r = slots.acquire(ctx, 2);
      ASSERT_FALSE(r);
      EXPECT_EQ(r.error(), std::errc::operation_canceled);
    });
    EXPECT_TRUE(support::eventually([&] {
      if (!slots.try_acquire(1)) return true;
      slots.release(1);
      return false;
    }));
    peers.start([&] {
      slots.acquire(1);  // fits once the large request in front has gone
      slots.release(1);
    });
    support::let_others_run();
    ctx.cancel();
    peers.join();
    EXPECT_TRUE(slots.try_acquire(1));
  });
}

TEST_P(semaphore_everywhere, waiters_are_served_in_order) {
  here([&] {
    weft::semaphore slots(1);
    weft::mutex m;
    std::vector<int> served;
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      slots.acquire();
      weft::chan<void> about_to_wait;
      peers.start([&, i, about_to_wait] {
        about_to_wait.close();
        slots.acquire();
        {
          std::lock_guard hold(m);
          served.push_back(i);
        }
        slots.release();
      });
      about_to_wait.recv();
      slots.release();
      EXPECT_TRUE(support::eventually([&] {
        std::lock_guard hold(m);
        return served.size() == static_cast<std::size_t>(i) + 1;
      }));
    }
    EXPECT_EQ(served, (std::vector<int>{0, 1, 2, 3}));
  });
}

TEST(semaphore, impossible_and_unbalanced_requests_are_misuse) {
  weft::semaphore slots(2);
  EXPECT_THROW(slots.acquire(3), weft::misuse);
  EXPECT_THROW(slots.acquire(-1), weft::misuse);
  EXPECT_THROW(slots.release(1), weft::misuse);
  EXPECT_TRUE(slots.try_acquire(2));
  slots.release(2);
}

TEST(semaphore, an_already_cancelled_context_acquires_nothing) {
  auto ctx = weft::with_cancel(weft::background());
  ctx.cancel();
  EXPECT_FALSE(weft::semaphore(1).acquire(ctx, 1));
}

// The cancelled one still stands first in the queue when units come back: it is passed over, not waited for.
TEST(semaphore, units_that_come_back_pass_over_a_waiter_just_cancelled) {
  support::procs_scope one(1);
  support::on_goroutine([] {
    weft::semaphore slots(2);
    slots.acquire(2);
    auto ctx = weft::with_cancel(weft::background());
    support::crew peers;
    bool second_served = false;
    support::start_parked(peers, [&] { EXPECT_FALSE(slots.acquire(ctx, 1)); });
    support::start_parked(peers, [&] {
      slots.acquire(2);
      second_served = true;
    });
    ctx.cancel();      // claimed, not yet out of the queue: it runs when we let it
    slots.release(2);
    peers.join();
    EXPECT_TRUE(second_served);
    slots.release(2);
  });
}
