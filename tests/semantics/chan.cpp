// Channels: what send, recv, try_send, try_recv, close and iteration promise, whoever calls.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/overtake.h"

#include <weft/weft.h>

#include <array>
#include <atomic>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

class chan_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(chan_everywhere);

TEST_P(chan_everywhere, unbuffered_send_returns_only_after_a_receiver_took_the_value) {
  here([&] {
    weft::chan<int> ch;
    std::atomic<bool> about_to_receive{false};
    auto peers = crew();
    peers.start([&] {
      support::let_others_run();
      about_to_receive = true;
      EXPECT_EQ(ch.recv(), 7);
    });
    ch.send(7);
    EXPECT_TRUE(about_to_receive);
  });
}

TEST_P(chan_everywhere, values_arrive_in_the_order_they_were_sent) {
  here([&] {
    for (std::size_t capacity : {0, 1, 3, 64}) {
      weft::chan<int> ch(capacity);
      auto peers = crew();
      peers.start([ch] {
        for (int i = 0; i < 500; ++i) ch.send(i);
        ch.close();
      });
      int expected = 0;
      for (int v : ch) EXPECT_EQ(v, expected++);
      EXPECT_EQ(expected, 500);
    }
  });
}

TEST_P(chan_everywhere, a_buffered_send_does_not_wait_while_there_is_room) {
  here([&] {
    weft::chan<int> ch(3);
    for (int i = 0; i < 3; ++i) ch.send(i);
    EXPECT_EQ(ch.size(), 3u);
    EXPECT_EQ(ch.capacity(), 3u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ch.recv(), i);
    EXPECT_EQ(ch.size(), 0u);
  });
}

TEST_P(chan_everywhere, a_full_buffer_holds_the_sender_until_a_slot_frees) {
  here([&] {
    weft::chan<int> ch(1);
    std::atomic<int> sent{0};
    auto peers = crew();
    peers.start([&] {
      for (int i = 0; i < 3; ++i) {
        ch.send(i);
        ++sent;
      }
    });
    EXPECT_TRUE(support::eventually([&] { return sent == 1; }));
    support::let_others_run();
    EXPECT_EQ(sent, 1);  // the second waits
    EXPECT_EQ(ch.recv(), 0);
    EXPECT_TRUE(support::eventually([&] { return sent == 2; }));
    EXPECT_EQ(ch.recv(), 1);
    EXPECT_EQ(ch.recv(), 2);
  });
}

TEST_P(chan_everywhere, recv_on_closed_drains_buffer_first) {
  here([&] {
    weft::chan<std::string> ch(2);
    ch.send("first");
    ch.send("second");
    ch.close();
    EXPECT_TRUE(ch.closed());
    EXPECT_EQ(ch.recv(), "first");
    EXPECT_EQ(ch.recv(), "second");
    EXPECT_EQ(ch.recv(), std::nullopt);
    EXPECT_EQ(ch.recv(), std::nullopt);
  });
}

TEST_P(chan_everywhere, close_wakes_every_blocked_receiver) {
  here([&] {
    weft::chan<int> ch;
    std::atomic<int> woken{0};
    auto peers = crew();
    for (int i = 0; i < 8; ++i) {
      peers.start([&] {
        EXPECT_EQ(ch.recv(), std::nullopt);
        ++woken;
      });
    }
    support::let_others_run();
    EXPECT_EQ(woken, 0);
    ch.close();
    peers.join();
    EXPECT_EQ(woken, 8);
  });
}

TEST_P(chan_everywhere, close_wakes_blocked_senders_with_misuse) {
  here([&] {
    weft::chan<int> ch;
    std::atomic<int> threw{0};
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&] {
        try {
          ch.send(1);
        } catch (const weft::misuse&) {
          ++threw;
        }
      });
    }
    support::let_others_run();
    support::close_under_senders(ch);
    peers.join();
    EXPECT_EQ(threw, 4);
  });
}

TEST_P(chan_everywhere, many_senders_and_receivers_lose_and_double_nothing) {
  here([&] {
    for (std::size_t capacity : {0, 4}) {
      weft::chan<int> ch(capacity);
      constexpr int senders = 4, receivers = 3, each = 300;
      std::vector<std::atomic<int>> seen(senders * each);
      auto consumers = crew(), producers = crew();
      for (int r = 0; r < receivers; ++r) {
        consumers.start([&] {
          for (int v : ch) ++seen[static_cast<std::size_t>(v)];
        });
      }
      for (int s = 0; s < senders; ++s) {
        producers.start([&, s] {
          for (int i = 0; i < each; ++i) ch.send(s * each + i);
        });
      }
      producers.join();
      ch.close();
      consumers.join();
      for (auto& count : seen) ASSERT_EQ(count, 1);
    }
  });
}

TEST_P(chan_everywhere, try_operations_never_block) {
  here([&] {
    weft::chan<int> unbuffered;
    int value = 5;
    EXPECT_FALSE(unbuffered.try_send(value));
    EXPECT_EQ(unbuffered.try_recv(), std::nullopt);
    weft::chan<int> buffered(1);
    EXPECT_TRUE(buffered.try_send(value));
    EXPECT_FALSE(buffered.try_send(6));
    EXPECT_EQ(buffered.try_recv(), 5);
    EXPECT_EQ(buffered.try_recv(), std::nullopt);
  });
}

TEST_P(chan_everywhere, try_send_reaches_a_parked_receiver_and_try_recv_a_parked_sender) {
  here([&] {
    weft::chan<int> ch;
    auto peers = crew();
    peers.start([&] { EXPECT_EQ(ch.recv(), 11); });
    EXPECT_TRUE(support::eventually([&] { return ch.try_send(11); }));
    peers.join();
    peers.start([&] { ch.send(12); });
    std::optional<int> got;
    EXPECT_TRUE(support::eventually([&] { return (got = ch.try_recv()).has_value(); }));
    EXPECT_EQ(got, 12);
  });
}

TEST_P(chan_everywhere, a_void_channel_counts_signals) {
  here([&] {
    weft::chan<void> ch(2);
    ch.send();
    EXPECT_TRUE(ch.try_send());
    EXPECT_FALSE(ch.try_send());
    ch.close();
    EXPECT_TRUE(ch.recv());
    EXPECT_TRUE(ch.recv());
    EXPECT_FALSE(ch.recv());
  });
}

TEST_P(chan_everywhere, what_the_sender_wrote_before_is_seen_by_the_receiver) {
  here([&] {
    weft::chan<void> ready, answered;
    int plain = 0;  // guarded by the channel operations alone
    auto peers = crew();
    peers.start([&] {
      for (int i = 1; ready.recv(); ++i) {
        EXPECT_EQ(plain, 2 * i - 1);
        ++plain;
        answered.send();
      }
    });
    for (int i = 1; i <= 200; ++i) {
      ++plain;
      ready.send();
      answered.recv();
      EXPECT_EQ(plain, 2 * i);
    }
    ready.close();
  });
}

TEST(chan, moves_a_move_only_value_from_sender_to_receiver) {
  weft::chan<std::unique_ptr<int>> ch;
  weft::go([ch] { ch.send(std::make_unique<int>(42)); });
  auto got = ch.recv();
  ASSERT_TRUE(got && *got);
  EXPECT_EQ(**got, 42);
}

TEST(chan, try_send_moves_from_its_argument_only_when_it_returns_true) {
  weft::chan<std::unique_ptr<int>> ch(1);
  auto first = std::make_unique<int>(1), second = std::make_unique<int>(2);
  EXPECT_TRUE(ch.try_send(first));
  EXPECT_EQ(first, nullptr);
  EXPECT_FALSE(ch.try_send(second));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
  EXPECT_FALSE(ch.try_send(std::move(second)));
  ASSERT_NE(second, nullptr);
}

TEST(chan, copies_are_the_same_channel) {
  weft::chan<int> a(1);
  weft::chan<int> b = a;
  a.send(1);
  EXPECT_EQ(b.size(), 1u);
  b.close();
  EXPECT_TRUE(a.closed());
  EXPECT_EQ(a.recv(), 1);
}

TEST(chan, destroys_buffered_values_with_the_last_handle) {
  auto tracked = std::make_shared<int>(0);
  {
    weft::chan<std::shared_ptr<int>> ch(4);
    ch.send(tracked);
    ch.send(tracked);
    EXPECT_EQ(tracked.use_count(), 3);
    EXPECT_EQ(ch.recv(), tracked);
    EXPECT_EQ(tracked.use_count(), 2);
  }
  EXPECT_EQ(tracked.use_count(), 1);
}

TEST(chan, a_nil_channel_is_never_ready_and_never_closed) {
  weft::chan<int> nil(nullptr);
  EXPECT_EQ(nil.try_recv(), std::nullopt);
  EXPECT_FALSE(nil.try_send(1));
  EXPECT_FALSE(nil.closed());
  EXPECT_EQ(nil.size(), 0u);
  EXPECT_EQ(nil.capacity(), 0u);
}

TEST(chan, carries_values_larger_than_a_cache_line_and_over_aligned_ones) {
  struct alignas(64) wide {
    std::array<int, 100> numbers;
  };
  weft::chan<wide> ch(2);
  wide sent{};
  std::iota(sent.numbers.begin(), sent.numbers.end(), 0);
  weft::go([ch, &sent] {
    for (int i = 0; i < 5; ++i) ch.send(sent);
    ch.close();
  });
  int received = 0;
  for (wide w : ch) {
    EXPECT_EQ(w.numbers, sent.numbers);
    ++received;
  }
  EXPECT_EQ(received, 5);
}
