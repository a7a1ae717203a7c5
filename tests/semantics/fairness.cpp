// Nobody who is runnable waits for ever: not behind ping-pong in the next slot, not behind yielders, spawners or a
// flood from outside. Every test runs on one processor too, where there is no second one to rescue the starved.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <vector>

using namespace std::chrono_literals;

class fairness : public support::everywhere {};
WEFT_EVERYWHERE(fairness);

namespace {

// Hands a token to and fro until told to stop: each wake-up goes through the next slot.
class ping_pong {
 public:
  ping_pong() {
    players_.start([this] {
      while (!stop_) {
        to_.send(1);
        from_.recv();
        ++rounds;
      }
      to_.close();
    });
    players_.start([this] {
      for (int token : to_) from_.send(token);
    });
  }
  ~ping_pong() { stop_ = true; }
  std::atomic<long> rounds{0};

 private:
  weft::chan<int> to_, from_;
  std::atomic<bool> stop_{false};
  support::crew players_;
};

}  // namespace

TEST_P(fairness, ping_pong_in_the_next_slot_starves_nobody) {
  here([&] {
    ping_pong game;
    EXPECT_TRUE(support::eventually([&] { return game.rounds > 10; }));
    for (int i = 0; i < 20; ++i) {
      std::atomic<bool> ran{false};
      auto peers = crew();
      peers.start([&] { ran = true; });
      peers.join();
      EXPECT_TRUE(ran);
    }
  });
}

// Measured in hand-overs, not in time: a pair that wakes itself through the next slot gets 64 turns in a row, no more.
TEST(fairness_of_the_next_slot, lets_the_queue_have_a_turn_every_64_decisions) {
  support::procs_scope one(1);
  support::on_goroutine([] {
    ping_pong game;
    EXPECT_TRUE(support::eventually([&] { return game.rounds > 10; }));
    std::vector<long> waited;
    for (int i = 0; i < 201; ++i) {
      const long before = game.rounds;
      weft::yield();
      waited.push_back(game.rounds - before);
    }
    std::nth_element(waited.begin(), waited.begin() + 100, waited.end());
    EXPECT_LE(waited[100], 64);
    EXPECT_GT(*std::max_element(waited.begin(), waited.end()), 1);  // the pair does use the slot
  });
}

TEST_P(fairness, a_sleeper_beside_ping_pong_wakes_in_time) {
  here([&] {
    ping_pong game;
    for (int i = 0; i < 10; ++i) {
      const auto due = weft::clock::now() + 2ms;
      weft::sleep_until(due);
      EXPECT_LT(weft::clock::now() - due, support::stretched(500ms));
    }
  });
}

TEST_P(fairness, two_ping_pongs_share) {
  here([&] {
    ping_pong a, b;
    EXPECT_TRUE(support::eventually([&] { return a.rounds > 500 && b.rounds > 500; }));
  });
}

TEST_P(fairness, yielders_do_not_starve_a_sleeper_or_a_newcomer) {
  here([&] {
    std::atomic<bool> stop{false};
    support::crew yielders;
    for (int i = 0; i < 4; ++i) {
      yielders.start([&] {
        while (!stop) weft::yield();
      });
    }
    const auto due = weft::clock::now() + 2ms;
    weft::sleep_until(due);
    EXPECT_LT(weft::clock::now() - due, support::stretched(500ms));
    auto peers = crew();
    peers.start([&] { stop = true; });
  });
}

TEST_P(fairness, a_goroutine_spawned_from_a_thread_runs_although_every_processor_is_busy_spawning) {
  here([&] {
    std::atomic<bool> stop{false};
    support::crew spawners;
    for (int i = 0; i < 8; ++i) {
      spawners.start([&] {
        while (!stop) {
          weft::wait_group child;
          child.go([] {});
          child.wait();
        }
      });
    }
    support::crew outside(support::kind::plain_thread);
    outside.start([&] {
      weft::chan<void> ran;
      weft::go([ran] { ran.send(); });
      ran.recv();
    });
    outside.join();
    stop = true;
  });
}

// Measured in turns, not in time: those inside never leave their queue empty, and yet each of a burst gets into it within
// 64 decisions per 64 ahead of it.
TEST(fairness_of_the_inject_queue, a_burst_from_outside_runs_within_a_few_rounds_of_those_inside) {
  constexpr int burst = 256;
  support::procs_scope one(1);
  std::atomic<bool> stop{false};
  std::atomic<long> turns{0}, last_ran{0};
  support::crew yielders;
  for (int i = 0; i < 8; ++i) {
    yielders.start([&] {
      for (; !stop; weft::yield()) ++turns;
    });
  }
  EXPECT_TRUE(support::eventually([&] { return turns > 100; }));
  weft::wait_group ran;
  for (int i = 0; i < burst; ++i) ran.go([&] { last_ran = turns.load(); });
  const long queued = turns;
  ran.wait();
  EXPECT_LT(last_ran - queued, 8 * burst);
  stop = true;
}

// Regular patterns of few steps: a scheduler that looks up at every n-th step only must not be stepped over.
TEST_P(fairness, goroutines_with_their_own_stack_size_starve_nobody) {
  here([&] {
    for (int pattern = 0; pattern < 8; ++pattern) {
      const int children = 1 + pattern % 4;
      const bool yields = pattern >= 4;
      std::atomic<bool> stop{false};
      support::crew spawner;
      spawner.start([&] {
        while (!stop) {
          weft::wait_group wg;
          wg.add(children);
          for (int i = 0; i < children; ++i) {
            weft::go({.stack_size = 1 << 20}, [&] {
              if (yields) weft::yield();
              wg.done();
            });
          }
          wg.wait();
        }
      });
      auto outside = crew();
      outside.start([] {
        for (int i = 0; i < 5; ++i) {
          weft::chan<void> ran;
          weft::go([ran] { ran.send(); });
          ran.recv();
        }
        weft::sleep(100us);
      });
      outside.join();
      stop = true;
    }
  });
}

TEST_P(fairness, contenders_for_a_mutex_all_progress) {
  here([&] {
    weft::mutex m;
    std::atomic<bool> stop{false};
    std::atomic<int> turns[4] = {};
    auto peers = crew();
    for (auto& mine : turns) {
      peers.start([&] {
        while (!stop) {
          std::lock_guard hold(m);
          ++mine;
        }
      });
    }
    EXPECT_TRUE(support::eventually([&] {
      for (auto& t : turns)
        if (t < 20) return false;
      return true;
    }));
    stop = true;
  });
}

// Who starts a goroutine and waits for it is followed by that goroutine, so a tree that is walked for ever could keep others
// waiting: goroutines that wake up, and newborns that are older than the tree.
TEST_P(fairness, a_tree_that_is_walked_for_ever_starves_neither_the_woken_nor_older_newborns) {
  here([&] {
    constexpr int older = 50, depth = 10;
    std::atomic<bool> stop{false};
    std::atomic<int> older_ran{0};
    const std::function<void(int)> walk = [&](int levels) {
      if (levels == 0) return;
      weft::wait_group children;
      for (int i = 0; i < 2; ++i) children.go([&, levels] { walk(levels - 1); });
      children.wait();
    };
    weft::wait_group all;
    for (int i = 0; i < 4; ++i)  // more than there are processors, in some of the places
      all.go([&] {
        while (!stop) walk(depth);
      });
    for (int i = 0; i < older; ++i) all.go([&] { ++older_ran; });
    for (int i = 0; i < 5; ++i) {
      const auto asleep = weft::clock::now();
      weft::sleep(1ms);
      EXPECT_LT(weft::clock::now() - asleep, 2s);
    }
    EXPECT_TRUE(support::eventually([&] { return older_ran == older; }));
    stop = true;
    all.wait();
  });
}
