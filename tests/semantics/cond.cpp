// weft::cond over weft::mutex: no notify is lost between unlock and park, waiters wake in order, timeouts are told.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <condition_variable>
#include <mutex>
#include <queue>
#include <vector>

using namespace std::chrono_literals;

class cond_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(cond_everywhere);

TEST_P(cond_everywhere, a_bounded_queue_moves_every_item) {
  here([&] {
    weft::mutex m;
    weft::cond not_full, not_empty;
    std::queue<int> items;
    auto peers = crew();
    peers.start([&] {
      for (int i = 0; i < 400; ++i) {
        std::unique_lock hold(m);
        not_full.wait(hold, [&] { return items.size() < 2; });
        items.push(i);
        not_empty.notify_one();
      }
    });
    for (int i = 0; i < 400; ++i) {
      std::unique_lock hold(m);
      not_empty.wait(hold, [&] { return !items.empty(); });
      EXPECT_EQ(items.front(), i);
      items.pop();
      not_full.notify_one();
    }
  });
}

TEST_P(cond_everywhere, notify_all_wakes_every_waiter) {
  here([&] {
    weft::mutex m;
    weft::cond changed;
    int waiting = 0, woken = 0;
    bool go = false;
    auto peers = crew();
    for (int i = 0; i < 6; ++i) {
      peers.start([&] {
        std::unique_lock hold(m);
        ++waiting;
        changed.wait(hold, [&] { return go; });
        ++woken;
      });
    }
    EXPECT_TRUE(support::eventually([&] {
      std::lock_guard hold(m);
      return waiting == 6;  // each counted itself under the mutex it gives up only by waiting
    }));
    {
      std::lock_guard hold(m);
      go = true;
    }
    changed.notify_all();
    peers.join();
    EXPECT_EQ(woken, 6);
  });
}

TEST_P(cond_everywhere, notify_one_wakes_exactly_one_in_order_of_arrival) {
  here([&] {
    weft::mutex m;
    weft::cond turn;
    std::vector<int> arrived, woken;
    const auto locked_size = [&](const std::vector<int>& v) {
      std::lock_guard hold(m);
      return v.size();
    };
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&, i] {
        std::unique_lock hold(m);
        arrived.push_back(i);
        turn.wait(hold);
        woken.push_back(i);
      });
    }
    EXPECT_TRUE(support::eventually([&] { return locked_size(arrived) == 4; }));
    for (std::size_t n = 1; n <= 4; ++n) {
      turn.notify_one();
      EXPECT_TRUE(support::eventually([&] { return locked_size(woken) == n; }));
      support::let_others_run();
      EXPECT_EQ(locked_size(woken), n);
    }
    peers.join();
    EXPECT_EQ(woken, arrived);
  });
}

TEST_P(cond_everywhere, wait_for_times_out_and_holds_the_mutex_again) {
  here([&] {
    weft::mutex m;
    weft::cond never;
    std::unique_lock hold(m);
    const auto start = weft::clock::now();
    EXPECT_EQ(never.wait_for(hold, 5ms), std::cv_status::timeout);
    EXPECT_GE(weft::clock::now() - start, 5ms);
    EXPECT_TRUE(hold.owns_lock());
    EXPECT_FALSE(m.try_lock());
    EXPECT_FALSE(never.wait_for(hold, 1ms, [] { return false; }));
    EXPECT_TRUE(never.wait_for(hold, 1h, [] { return true; }));
    EXPECT_EQ(never.wait_until(hold, weft::clock::now() - 1s), std::cv_status::timeout);
  });
}

TEST_P(cond_everywhere, wait_for_tells_a_notify_from_a_timeout) {
  here([&] {
    weft::mutex m;
    weft::cond changed;
    bool ready = false;
    auto peers = crew();
    std::unique_lock hold(m);
    peers.start([&] {
      std::lock_guard theirs(m);
      ready = true;
      changed.notify_one();
    });
    EXPECT_EQ(changed.wait_for(hold, 1h), std::cv_status::no_timeout);
    EXPECT_TRUE(ready);
    hold.unlock();
  });
}

TEST_P(cond_everywhere, a_notify_without_waiters_is_forgotten) {
  here([&] {
    weft::mutex m;
    weft::cond c;
    c.notify_one();
    c.notify_all();
    std::unique_lock hold(m);
    EXPECT_EQ(c.wait_for(hold, 1ms), std::cv_status::timeout);
  });
}

TEST(cond, waiting_without_the_lock_is_misuse) {
  weft::mutex m;
  weft::cond c;
  std::unique_lock hold(m, std::defer_lock);
  EXPECT_THROW(c.wait(hold), weft::misuse);
}
