// Races of select: two wakers for one sleeper, both directions on the same channels, close against everything.
#include "support/everywhere.h"
#include "support/overtake.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>
#include <vector>

class double_select : public support::everywhere {};
WEFT_EVERYWHERE(double_select);

// Two senders find the same parked select at once: one wins, the other's value must not be lost or doubled.
TEST_P(double_select, of_one_sleeper_by_two_wakers_loses_and_doubles_nothing) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<long> a, b;
    std::atomic<long> sent{0};
    std::atomic<bool> stop{false};
    auto senders = crew(), receivers = crew();
    for (auto* ch : {&a, &b}) {
      senders.start([&, ch] {
        while (!stop) {
          const long v = ++sent;
          ch->send(v);
        }
      });
    }
    std::atomic<long> count{0}, sum{0};
    for (int i = 0; i < 2; ++i) {
      receivers.start([&] {
        for (;;) {
          auto from_a = weft::on_recv(a);
          auto from_b = weft::on_recv(b);
          weft::select(from_a, from_b);
          const auto v = from_a ? from_a.take() : from_b.take();
          if (!v) return;
          ++count;
          sum += *v;
        }
      });
    }
    while (run.more()) weft::sleep(std::chrono::milliseconds(20));
    stop = true;
    senders.join();
    a.close();
    b.close();
    receivers.join();
    EXPECT_EQ(count, sent);
    EXPECT_EQ(sum, sent * (sent + 1) / 2);
  });
}

// Everyone both offers and accepts on the same two channels: each value sent by a fired send case is received once.
TEST_P(double_select, of_the_same_channels_in_both_directions_balances) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<int> a, b;
    std::atomic<long> sent{0}, received{0};
    std::atomic<bool> stop{false};
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&] {
        while (!stop) {
          auto to_a = weft::on_send(a, 1);
          auto from_b = weft::on_recv(b);
          auto to_b = weft::on_send(b, 1);
          auto from_a = weft::on_recv(a);
          auto late = weft::on_timeout(std::chrono::milliseconds(2));
          weft::select(to_a, from_b, to_b, from_a, late);
          if (to_a || to_b) ++sent;
          if (from_a || from_b) ++received;
        }
      });
    }
    while (run.more()) weft::sleep(std::chrono::milliseconds(20));
    stop = true;
    peers.join();
    EXPECT_EQ(sent, received);
    EXPECT_GT(sent, 0);
  });
}

class close_vs_recv : public support::everywhere {};
WEFT_EVERYWHERE(close_vs_recv);

TEST_P(close_vs_recv, every_value_sent_before_the_close_is_received) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::chan<int> ch(static_cast<std::size_t>(random.below(3)));
      const int values = random.below(5);
      std::atomic<int> received{0};
      auto receivers = crew();
      for (int i = 0; i < 3; ++i) {
        receivers.start([&, by_select = i == 0] {
          for (;;) {
            if (by_select) {
              auto r = weft::on_recv(ch);
              weft::select(r);
              if (!r.take()) return;
            } else if (!ch.recv()) {
              return;
            }
            ++received;
          }
        });
      }
      for (int i = 0; i < values; ++i) ch.send(i);
      ch.close();
      receivers.join();
      ASSERT_EQ(received, values);
    }
  });
}

TEST_P(close_vs_recv, a_sender_under_a_close_either_delivered_or_threw) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::chan<int> ch(static_cast<std::size_t>(random.below(2)));
      std::atomic<int> delivered{0}, threw{0};
      int received = 0;
      auto senders = crew();
      for (int i = 0; i < 3; ++i) {
        senders.start([&] {
          try {
            ch.send(1);
            ++delivered;
          } catch (const weft::misuse&) {
            ++threw;
          }
        });
      }
      for (int i = random.below(3); i > 0; --i) received += ch.recv().has_value();
      support::close_under_senders(ch);
      senders.join();
      while (ch.recv()) ++received;
      ASSERT_EQ(delivered, received);
      ASSERT_EQ(delivered + threw, 3);
    }
  });
}
