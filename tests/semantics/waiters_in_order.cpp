// First come, first served: whoever waits longest at a channel, a lock or a semaphore is served first.
//
// Each test builds a queue of helpers that are known to sleep, in a known order, and then serves it.
#include "support/everywhere.h"
#include "support/parked.h"

#include <weft/weft.h>

#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int waiters = 6;

std::vector<int> in_order(int first = 0, int count = waiters) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

}  // namespace

class waiters_in_order : public support::everywhere {};
WEFT_EVERYWHERE(waiters_in_order);

TEST_P(waiters_in_order, values_of_parked_senders_arrive_in_the_order_of_their_arrival) {
  here([&] {
    for (std::size_t capacity : {0, 2}) {
      weft::chan<int> ch(capacity);
      auto senders = crew();
      for (std::size_t i = 0; i < capacity; ++i) ch.send(static_cast<int>(i));
      const int buffered = static_cast<int>(capacity);
      for (int i = 0; i < waiters; ++i) support::start_parked(senders, [=] { ch.send(buffered + i); });
      std::vector<int> received;
      for (int i = 0; i < buffered + waiters; ++i) received.push_back(*ch.recv());
      EXPECT_EQ(received, in_order(0, buffered + waiters));
    }
  });
}

TEST_P(waiters_in_order, parked_receivers_get_values_in_the_order_of_their_arrival) {
  here([&] {
    for (std::size_t capacity : {0, 2}) {
      weft::chan<int> ch(capacity);
      std::vector<int> got(waiters, -1);
      auto receivers = crew();
      for (std::size_t i = 0; i < waiters; ++i) support::start_parked(receivers, [=, &got] { got[i] = *ch.recv(); });
      for (int i = 0; i < waiters; ++i) ch.send(i);
      receivers.join();
      EXPECT_EQ(got, in_order());
    }
  });
}

TEST_P(waiters_in_order, a_select_waits_in_the_same_queue_as_a_plain_receive) {
  here([&] {
    weft::chan<int> ch, quiet;
    std::vector<int> got(waiters, -1);
    auto receivers = crew();
    for (int i = 0; i < waiters; ++i) {
      support::start_parked(receivers, [=, &got] {
        auto& mine = got[static_cast<std::size_t>(i)];
        if (i % 2 == 0) {
          mine = *ch.recv();
          return;
        }
        auto never = weft::on_recv(quiet);
        auto value = weft::on_recv(ch);
        weft::select(never, value);
        mine = *value.take();
      });
    }
    for (int i = 0; i < waiters; ++i) ch.send(i);
    receivers.join();
    EXPECT_EQ(got, in_order());
  });
}

TEST_P(waiters_in_order, a_select_that_went_elsewhere_holds_up_nobody_behind_it) {
  here([&] {
    weft::chan<int> ch, other;
    int got = -1;
    auto receivers = crew();
    support::start_parked(receivers, [&] {
      auto a = weft::on_recv(ch);
      auto b = weft::on_recv(other);
      EXPECT_EQ(weft::select(a, b), 1u);
    });
    support::start_parked(receivers, [&] { got = *ch.recv(); });
    other.send(1);  // the first in the queue of ch is gone, or on its way out
    ch.send(2);
    receivers.join();
    EXPECT_EQ(got, 2);
  });
}

TEST_P(waiters_in_order, a_mutex_goes_to_the_longest_waiter) {
  here([&] {
    weft::mutex m;
    std::vector<int> order;  // guarded by m
    auto peers = crew();
    m.lock();
    for (int i = 0; i < waiters; ++i) {
      support::start_parked(peers, [&, i] {
        std::lock_guard hold(m);
        order.push_back(i);
      });
    }
    m.unlock();
    peers.join();
    EXPECT_EQ(order, in_order());
  });
}

TEST_P(waiters_in_order, writers_follow_each_other_and_readers_go_between_them) {
  here([&] {
    weft::rw_mutex m;
    std::vector<int> order;  // guarded by m
    int seen_by_reader = -1;
    auto peers = crew();
    m.lock();
    const auto writer = [&](int i) {
      support::start_parked(peers, [&, i] {
        std::lock_guard hold(m);
        order.push_back(i);
      });
    };
    for (int i = 0; i < 3; ++i) writer(i);
    support::start_parked(peers, [&] {
      std::shared_lock hold(m);
      seen_by_reader = static_cast<int>(order.size());
    });
    for (int i = 3; i < waiters; ++i) writer(i);
    m.unlock();
    peers.join();
    EXPECT_EQ(order, in_order());
    EXPECT_EQ(seen_by_reader, 0);  // a writer that leaves lets all waiting readers in before the next writer
  });
}

TEST_P(waiters_in_order, semaphore_units_go_to_the_longest_waiter) {
  here([&] {
    weft::semaphore slots(1);
    std::vector<int> order;  // guarded by the one unit
    auto peers = crew();
    slots.acquire();
    for (int i = 0; i < waiters; ++i) {
      support::start_parked(peers, [&, i] {
        if (i % 2) slots.acquire();
        else EXPECT_TRUE(slots.acquire(weft::with_timeout(weft::background(), 1h)));
        order.push_back(i);
        slots.release();
      });
    }
    slots.release();
    peers.join();
    EXPECT_EQ(order, in_order());
  });
}

TEST_P(waiters_in_order, one_release_of_several_units_serves_several_waiters_and_stops_at_the_first_that_does_not_fit) {
  here([&] {
    weft::semaphore slots(6);
    std::atomic<int> served{0};
    auto peers = crew();
    slots.acquire(6);
    const auto want = [&](int units) {
      support::start_parked(peers, [&, units] {
        slots.acquire(units);
        ++served;
      });
    };
    want(1);
    want(2);
    want(4);
    want(1);  // would fit behind the third, and must not overtake it
    slots.release(4);
    EXPECT_TRUE(support::eventually([&] { return served == 2; }));
    support::let_others_run();
    EXPECT_EQ(served, 2);
    EXPECT_FALSE(slots.try_acquire(1));
    slots.release(2);  // one was left over: three, too few for the third waiter
    support::let_others_run();
    EXPECT_EQ(served, 2);
    slots.release(3);  // as the first two would
    peers.join();
    EXPECT_EQ(served, 4);
  });
}
