// weft::mutex: Lockable, excludes goroutines and threads from each other, hands over in the end to every waiter.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

using namespace std::chrono_literals;

class mutex_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(mutex_everywhere);

TEST_P(mutex_everywhere, only_one_holder_at_a_time) {
  here([&] {
    weft::mutex m;
    int plain = 0, inside = 0;
    const auto work = [&] {
      for (int i = 0; i < 300; ++i) {
        std::lock_guard hold(m);
        EXPECT_EQ(++inside, 1);
        ++plain;
        if (i % 16 == 0) weft::yield();  // park or run others while holding
        --inside;
      }
    };
    auto peers = crew();
    for (int i = 0; i < 4; ++i) peers.start(work);
    work();
    peers.join();
    EXPECT_EQ(plain, 1500);
  });
}

TEST_P(mutex_everywhere, try_lock_fails_while_held_and_succeeds_when_free) {
  here([&] {
    weft::mutex m;
    EXPECT_TRUE(m.try_lock());
    auto peers = crew();
    peers.start([&] { EXPECT_FALSE(m.try_lock()); });
    peers.join();
    m.unlock();
    peers.start([&] {
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    });
  });
}

TEST_P(mutex_everywhere, another_goroutine_or_thread_may_unlock) {
  here([&] {
    weft::mutex m;
    m.lock();
    auto peers = crew();
    peers.start([&] { m.unlock(); });
    m.lock();  // waits for the peer
    m.unlock();
  });
}

TEST_P(mutex_everywhere, a_waiter_is_not_starved_by_one_who_locks_again_at_once) {
  here([&] {
    weft::mutex m;
    std::atomic<bool> got_it{false};
    auto peers = crew();
    m.lock();
    peers.start([&] {
      std::lock_guard hold(m);
      got_it = true;
    });
    m.unlock();
    EXPECT_TRUE(support::eventually([&] {
      std::lock_guard hold(m);
      return got_it.load();
    }));
  });
}

namespace {

// Holds the lock nearly all the time: each turn lasts 100 µs, lets others run meanwhile, and the next begins at once.
class greedy_holder {
 public:
  explicit greedy_holder(weft::mutex& m, support::kind kind) : self_(kind) {
    self_.start([&] {
      while (!stop_) {
        std::lock_guard hold(m);
        ++turns;
        for (const auto end = weft::clock::now() + 100us; weft::clock::now() < end;) weft::yield();
      }
    });
  }
  ~greedy_holder() { stop_ = true; }
  std::atomic<long> turns{0};

 private:
  std::atomic<bool> stop_{false};
  support::crew self_;
};

}  // namespace

// After a millisecond in vain a waiter is handed the lock: with turns of 100 µs that is some ten turns, not hundreds.
TEST_P(mutex_everywhere, a_waiter_that_starves_is_handed_the_lock) {
  here([&] {
    weft::mutex m;
    greedy_holder greedy(m, GetParam().partners);
    EXPECT_TRUE(support::eventually([&] { return greedy.turns > 3; }));
    std::vector<long> waited;
    for (int i = 0; i < 9; ++i) {
      const long before = greedy.turns;
      {
        std::lock_guard hold(m);
        waited.push_back(greedy.turns - before);
      }
      support::let_others_run(3);
    }
    std::nth_element(waited.begin(), waited.begin() + 4, waited.end());
    EXPECT_LE(waited[4], 100);
  });
}

TEST_P(mutex_everywhere, scoped_lock_takes_several_without_deadlock) {
  here([&] {
    weft::mutex a, b;
    int plain = 0;
    auto peers = crew();
    peers.start([&] {
      for (int i = 0; i < 300; ++i) {
        std::scoped_lock hold(a, b);
        ++plain;
      }
    });
    for (int i = 0; i < 300; ++i) {
      std::scoped_lock hold(b, a);
      ++plain;
    }
    peers.join();
    EXPECT_EQ(plain, 600);
  });
}

TEST_P(mutex_everywhere, a_goroutine_that_parks_while_holding_keeps_the_lock) {
  here([&] {
    weft::mutex m;
    weft::chan<void> holding, release;
    auto peers = crew();
    peers.start([&] {
      std::unique_lock hold(m);
      holding.send();
      release.recv();
    });
    holding.recv();
    EXPECT_FALSE(m.try_lock());
    release.send();
    m.lock();
    m.unlock();
  });
}
