#include <atomic>
#include <vector>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "poll/gate.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using weft::poll::direction;
using weft::poll::gate;
using weft::poll::outcome;

class poll_gate : public support::everywhere {};
WEFT_EVERYWHERE(poll_gate);

TEST_P(poll_gate, callers_of_one_direction_take_turns_and_directions_do_not_mind_each_other) {
  here([this] {
    gate g;
    g.open();
    int inside[2] = {};  // guarded by the turn
    std::atomic<int> served{0};
    auto peers = crew();
    for (int i = 0; i < 4; ++i)
      peers.start([&, d = i % 2 ? direction::read : direction::write] {
        for (int k = 0; k < 200; ++k) {
          ASSERT_EQ(g.take_turn(d), outcome::ready);
          ASSERT_EQ(++inside[static_cast<int>(d)], 1);
          if (k % 8 == 0) weft::yield();
          --inside[static_cast<int>(d)];
          ASSERT_TRUE(g.give_turn(d));
          ++served;
        }
      });
    peers.join();
    EXPECT_EQ(served, 800);
  });
}

TEST_P(poll_gate, turns_come_first_come_first_served) {
  here([this] {
    gate g;
    g.open();
    ASSERT_EQ(g.take_turn(direction::read), outcome::ready);
    std::vector<int> order;  // guarded by the turn
    auto peers = crew();
    std::atomic<int> arrived{0};
    for (int i = 0; i < 5; ++i) {
      peers.start([&, i] {
        ++arrived;
        ASSERT_EQ(g.take_turn(direction::read), outcome::ready);
        order.push_back(i);
        ASSERT_TRUE(g.give_turn(direction::read));
      });
      ASSERT_TRUE(support::eventually([&] { return arrived == i + 1; }));
      support::let_others_run(300);
    }
    ASSERT_TRUE(g.give_turn(direction::read));
    peers.join();
    ASSERT_EQ(order.size(), 5u);
    if (GetParam().partners == support::kind::goroutine && GetParam().procs == 1) {
      EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
    }
  });
}

TEST_P(poll_gate, shutting_sends_those_who_queue_away_and_the_last_user_finishes) {
  here([this] {
    gate g;
    g.open();
    ASSERT_EQ(g.take_turn(direction::write), outcome::ready);
    auto peers = crew();
    std::atomic<int> arrived{0}, sent_away{0};
    for (int i = 0; i < 3; ++i)
      peers.start([&] {
        ++arrived;
        sent_away += g.take_turn(direction::write) == outcome::closed;
      });
    ASSERT_TRUE(support::eventually([&] { return arrived == 3; }));
    support::let_others_run(100);
    ASSERT_TRUE(g.shut());
    EXPECT_FALSE(g.shut());
    peers.join();
    EXPECT_EQ(sent_away, 3);
    EXPECT_FALSE(g.enter());
    EXPECT_TRUE(g.leave()) << "the writer is still inside";
    EXPECT_FALSE(g.give_turn(direction::write)) << "now the writer is the last";
    EXPECT_FALSE(g.finished()) << "the handle is still there";
    EXPECT_TRUE(g.forget());
  });
}

TEST_P(poll_gate, a_cancelled_caller_leaves_the_queue_and_the_turn_goes_past_it) {
  here([this] {
    gate g;
    g.open();
    ASSERT_EQ(g.take_turn(direction::read), outcome::ready);
    auto ctx = weft::with_cancel(weft::background());
    auto peers = crew();
    std::atomic<int> cancelled{0}, served{0};
    peers.start([&] { cancelled += g.take_turn(direction::read, {.ctx = &ctx}) == outcome::cancelled; });
    peers.start([&] {
      if (g.take_turn(direction::read) != outcome::ready) return;
      ++served;
      ASSERT_TRUE(g.give_turn(direction::read));
    });
    support::let_others_run(200);
    ctx.cancel();
    EXPECT_TRUE(support::eventually([&] { return cancelled == 1; }));
    ASSERT_TRUE(g.give_turn(direction::read));
    peers.join();
    EXPECT_EQ(served, 1);
  });
}

// G3 and G4: whatever the order of arrival, one finishes and one frees.
TEST_P(poll_gate, exactly_one_finishes_and_exactly_one_frees) {
  here([this] {
    for (int round = 0; round < 200; ++round) {
      gate g;
      g.open();
      std::atomic<int> finished{0}, freed{0};
      auto leave = [&](bool left) {
        if (left) return;
        ++finished;
        freed += g.finished();
      };
      auto peers = crew();
      for (int i = 0; i < 3; ++i)
        peers.start([&, i] {
          for (int k = 0; k < 10; ++k) {
            if (i == 0) {
              if (!g.enter()) return;
              leave(g.leave());
            } else {
              if (g.take_turn(direction::read) != outcome::ready) return;
              leave(g.give_turn(direction::read));
            }
          }
        });
      peers.start([&] {
        if (g.shut()) leave(g.leave());
        freed += g.forget();
      });
      peers.join();
      ASSERT_EQ(finished, 1);
      ASSERT_EQ(freed, 1);
    }
  });
}

}  // namespace
