// One channel in several cases of a select, as receiver, as sender, as both; closed ones among ready ones; large sets.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <set>
#include <span>
#include <vector>

using namespace std::chrono_literals;

class select_same_channel : public support::everywhere {};
WEFT_EVERYWHERE(select_same_channel);

TEST_P(select_same_channel, one_value_fires_one_of_several_receive_cases) {
  here([&] {
    weft::chan<int> ch(4);
    std::set<std::size_t> fired;
    for (int i = 0; i < 100; ++i) {
      ch.send(i);
      auto a = weft::on_recv(ch);
      auto b = weft::on_recv(ch);
      auto c = weft::on_recv(ch);
      fired.insert(weft::select(a, b, c));
      EXPECT_EQ(bool(a) + bool(b) + bool(c), 1);
      EXPECT_EQ(a ? a.take() : b ? b.take() : c.take(), i);
      EXPECT_EQ(ch.size(), 0u);
    }
    EXPECT_EQ(fired.size(), 3u);  // each of them, in a hundred rounds
  });
}

TEST_P(select_same_channel, one_of_several_parked_receive_cases_is_served_and_the_others_leave_the_queue) {
  here([&] {
    weft::chan<int> ch;
    auto peers = crew();
    for (int i = 0; i < 50; ++i) {
      std::optional<int> got;
      support::start_parked(peers, [&] {
        auto a = weft::on_recv(ch);
        auto b = weft::on_recv(ch);
        weft::select(a, b);
        EXPECT_NE(bool(a), bool(b));
        got = a ? a.take() : b.take();
      });
      ch.send(i);
      peers.join();
      EXPECT_EQ(got, i);
      EXPECT_FALSE(ch.try_send(i));  // nobody waits any more
    }
  });
}

TEST_P(select_same_channel, one_of_several_parked_send_cases_hands_over_its_own_value) {
  here([&] {
    weft::chan<std::unique_ptr<int>> ch;
    auto peers = crew();
    for (int i = 0; i < 50; ++i) {
      support::start_parked(peers, [&] {
        auto one = weft::on_send(ch, std::make_unique<int>(1));
        auto two = weft::on_send(ch, std::make_unique<int>(2));
        const auto fired = weft::select(one, two);
        EXPECT_EQ(one.value() == nullptr, fired == 0);  // the other case keeps what it held
        EXPECT_EQ(two.value() == nullptr, fired == 1);
      });
      const auto got = ch.recv();
      ASSERT_TRUE(got && *got);
      EXPECT_TRUE(**got == 1 || **got == 2);
      peers.join();
      EXPECT_EQ(ch.try_recv(), std::nullopt);
    }
  });
}

TEST_P(select_same_channel, send_and_receive_on_one_channel_serve_whoever_comes) {
  here([&] {
    weft::chan<int> ch;
    auto peers = crew();
    for (int i = 0; i < 50; ++i) {
      const bool partner_sends = i % 2;
      support::start_parked(peers, [&] {
        auto out = weft::on_send(ch, 1);
        auto in = weft::on_recv(ch);
        EXPECT_EQ(weft::select(out, in), partner_sends ? 1u : 0u);
        EXPECT_EQ(in.take(), partner_sends ? std::optional(2) : std::nullopt);
      });
      if (partner_sends) ch.send(2);
      else EXPECT_EQ(ch.recv(), 1);
      peers.join();
    }
  });
}

TEST_P(select_same_channel, two_selects_that_offer_and_accept_on_one_channel_meet) {
  here([&] {
    weft::chan<int> ch;
    std::atomic<int> sent{0}, received{0};
    const auto exchange = [&](int mine) {
      for (int i = 0; i < 100; ++i) {
        auto out = weft::on_send(ch, mine);
        auto in = weft::on_recv(ch);
        if (weft::select(out, in) == 0) {
          ++sent;
        } else {
          ++received;
          EXPECT_NE(in.take(), mine);  // never one's own
        }
      }
    };
    auto peers = crew();
    peers.start([&] { exchange(1); });
    exchange(2);
    peers.join();
    EXPECT_EQ(sent, 100);
    EXPECT_EQ(received, 100);
  });
}

TEST_P(select_same_channel, both_directions_of_a_half_full_buffer_are_ready) {
  here([&] {
    weft::chan<int> ch(2);
    ch.send(0);
    int sends = 0, receives = 0;
    for (int i = 0; i < 200; ++i) {
      auto out = weft::on_send(ch, i);
      auto in = weft::on_recv(ch);
      if (weft::select(out, in) == 0) {
        ++sends;
        ch.recv();
      } else {
        ++receives;
        ch.send(0);
      }
    }
    EXPECT_GT(sends, 30);
    EXPECT_GT(receives, 30);
  });
}

TEST_P(select_same_channel, a_close_fires_one_of_several_parked_receive_cases) {
  here([&] {
    weft::chan<int> ch;
    auto peers = crew();
    support::start_parked(peers, [&] {
      auto a = weft::on_recv(ch);
      auto b = weft::on_recv(ch);
      weft::select(a, b);
      EXPECT_NE(bool(a), bool(b));
      EXPECT_EQ(a.take(), std::nullopt);
      EXPECT_EQ(b.take(), std::nullopt);
    });
    ch.close();
  });
}

// A send on a closed channel can proceed, by throwing: it is one of the ready cases, no more and no less.
TEST_P(select_same_channel, a_closed_send_case_beside_a_ready_one_throws_only_when_it_is_chosen) {
  here([&] {
    weft::chan<int> closed, full(1);
    closed.close();
    int threw = 0, received = 0;
    for (int i = 0; i < 200; ++i) {
      if (full.size() == 0) full.send(i);
      auto out = weft::on_send(closed, std::move(i));
      auto in = weft::on_recv(full);
      try {
        EXPECT_EQ(weft::select(out, in), 1u);
        ++received;
      } catch (const weft::misuse&) {
        ++threw;
        EXPECT_FALSE(in);
        EXPECT_EQ(full.size(), 1u);  // nothing was taken
      }
    }
    EXPECT_GT(threw, 30);
    EXPECT_GT(received, 30);
  });
}

TEST_P(select_same_channel, the_earliest_of_several_deadlines_fires_and_one_without_end_never_does) {
  here([&] {
    weft::chan<int> quiet;
    auto value = weft::on_recv(quiet);
    auto never = weft::on_deadline(weft::clock::time_point::max());
    auto endless = weft::on_timeout(weft::clock::duration::max());
    auto late = weft::on_timeout(1h);
    auto soon = weft::on_timeout(2ms);
    EXPECT_EQ(weft::select(never, late, soon, value, endless), 2u);
    EXPECT_EQ(weft::select(weft::when(false, soon), never, weft::on_timeout(3ms)), 2u);
  });
}

TEST_P(select_same_channel, a_hundred_cases_of_three_channels_wait_and_fire_once) {
  here([&] {
    weft::chan<int> channels[3];
    auto peers = crew();
    for (int round = 0; round < 6; ++round) {
      support::start_parked(peers, [&] {
        std::vector<std::unique_ptr<weft::recv_case<int>>> cases;
        std::vector<weft::select_case*> set;
        for (int i = 0; i < 100; ++i) {
          cases.emplace_back(new auto(weft::on_recv(channels[i % 3])));
          set.push_back(cases.back().get());
        }
        const auto fired = weft::select(std::span<weft::select_case* const>(set));
        EXPECT_EQ(fired % 3, static_cast<std::size_t>(round % 3));
        int how_many = 0;
        for (auto& c : cases) how_many += bool(*c);
        EXPECT_EQ(how_many, 1);
        EXPECT_EQ(cases[fired]->take(), round);
      });
      channels[round % 3].send(round);
      peers.join();
    }
    for (auto& ch : channels) EXPECT_FALSE(ch.try_send(0));
  });
}

TEST(select_set, of_more_than_65535_cases_is_misuse) {
  const std::vector<weft::select_case*> set(65'536, nullptr);
  EXPECT_THROW(weft::try_select(std::span<weft::select_case* const>(set)), weft::misuse);
}
