// select and try_select: exactly one ready case fires, its value is moved exactly once, the others keep theirs.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/overtake.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace std::chrono_literals;

class select_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(select_everywhere);

TEST_P(select_everywhere, takes_the_one_ready_case_and_reports_its_position) {
  here([&] {
    weft::chan<int> empty;
    weft::chan<std::string> full(1);
    full.send("ready");
    auto a = weft::on_recv(empty);
    auto b = weft::on_recv(full);
    EXPECT_EQ(weft::select(a, b), 1u);
    EXPECT_FALSE(a);
    ASSERT_TRUE(b);
    EXPECT_EQ(b.take(), "ready");
  });
}

TEST_P(select_everywhere, parks_until_a_sender_comes) {
  here([&] {
    weft::chan<int> a, b;
    auto peers = crew();
    peers.start([&] {
      support::let_others_run();
      b.send(3);
    });
    auto from_a = weft::on_recv(a);
    auto from_b = weft::on_recv(b);
    EXPECT_EQ(weft::select(from_a, from_b), 1u);
    EXPECT_EQ(from_b.take(), 3);
  });
}

TEST_P(select_everywhere, parks_until_a_receiver_comes) {
  here([&] {
    weft::chan<std::unique_ptr<int>> a, b;
    auto peers = crew();
    peers.start([&] {
      support::let_others_run();
      auto got = a.recv();
      ASSERT_TRUE(got && *got);
      EXPECT_EQ(**got, 1);
    });
    auto to_a = weft::on_send(a, std::make_unique<int>(1));
    auto to_b = weft::on_send(b, std::make_unique<int>(2));
    EXPECT_EQ(weft::select(to_a, to_b), 0u);
    EXPECT_TRUE(to_a);
    EXPECT_FALSE(to_b);
    ASSERT_TRUE(to_b.value());  // the case that did not fire still owns its value
    EXPECT_EQ(*to_b.value(), 2);
  });
}

TEST_P(select_everywhere, a_closed_channel_fires_empty) {
  here([&] {
    weft::chan<int> ch, other;
    auto peers = crew();
    peers.start([&] {
      support::let_others_run();
      ch.close();
    });
    auto quiet = weft::on_recv(other);
    auto closing = weft::on_recv(ch);
    weft::select(quiet, closing);
    ASSERT_TRUE(closing);
    EXPECT_EQ(closing.take(), std::nullopt);
  });
}

TEST_P(select_everywhere, closing_under_a_parked_send_case_throws_misuse) {
  here([&] {
    weft::chan<int> ch, other;
    auto peers = crew();
    peers.start([&] {
      support::let_others_run();
      support::close_under_senders(ch);
    });
    auto sending = weft::on_send(ch, 1);
    auto receiving = weft::on_recv(other);
    EXPECT_THROW(weft::select(sending, receiving), weft::misuse);
  });
}

TEST_P(select_everywhere, two_selects_on_both_sides_hand_over_every_value) {
  here([&] {
    weft::chan<int> left, right, nothing;
    auto peers = crew();
    peers.start([&] {
      for (int i = 0; i < 300; ++i) {
        auto l = weft::on_send(left, i);
        auto r = weft::on_send(right, i);
        weft::select(l, r);
        EXPECT_NE(bool(l), bool(r));
      }
      left.close();
    });
    for (int i = 0;; ++i) {
      auto l = weft::on_recv(left);
      auto n = weft::on_recv(nothing);
      auto r = weft::on_recv(right);
      weft::select(l, n, r);
      EXPECT_FALSE(n);
      auto v = l ? l.take() : r.take();
      if (!v) {
        EXPECT_EQ(i, 300);
        break;
      }
      EXPECT_EQ(v, i);
    }
  });
}

TEST_P(select_everywhere, a_timeout_fires_when_nothing_else_does) {
  here([&] {
    weft::chan<int> quiet;
    const auto start = weft::clock::now();
    auto v = weft::on_recv(quiet);
    auto late = weft::on_timeout(20ms);
    EXPECT_EQ(weft::select(v, late), 1u);
    EXPECT_TRUE(late);
    EXPECT_GE(weft::clock::now() - start, 20ms);
  });
}

TEST_P(select_everywhere, a_deadline_in_the_past_fires_at_once_when_nothing_else_is_ready) {
  here([&] {
    weft::chan<int> quiet;
    auto v = weft::on_recv(quiet);
    auto late = weft::on_deadline(weft::clock::now() - 1s);
    EXPECT_EQ(weft::select(v, late), 1u);
  });
}

TEST_P(select_everywhere, an_unneeded_timeout_leaves_nothing_behind) {
  here([&] {
    weft::chan<int> ch(1);
    for (int i = 0; i < 1000; ++i) {
      ch.send(i);
      auto v = weft::on_recv(ch);
      auto late = weft::on_timeout(1h);
      EXPECT_EQ(weft::select(v, late), 0u);
      EXPECT_EQ(v.take(), i);
    }
  });
}

TEST_P(select_everywhere, try_select_never_blocks) {
  here([&] {
    weft::chan<int> a, b(1);
    auto from_a = weft::on_recv(a);
    auto to_a = weft::on_send(a, 1);
    EXPECT_FALSE(weft::try_select(from_a, to_a));
    EXPECT_FALSE(from_a);
    EXPECT_FALSE(to_a);
    auto to_b = weft::on_send(b, 2);
    EXPECT_TRUE(weft::try_select(from_a, to_b));
    EXPECT_TRUE(to_b);
    EXPECT_EQ(b.recv(), 2);
  });
}

TEST_P(select_everywhere, a_select_never_serves_itself) {
  here([&] {
    weft::chan<int> ch;
    auto sending = weft::on_send(ch, 1);
    auto receiving = weft::on_recv(ch);
    auto late = weft::on_timeout(5ms);
    EXPECT_EQ(weft::select(sending, receiving, late), 2u);
  });
}

TEST(select, a_disabled_case_never_fires) {
  weft::chan<int> a(1), b(1);
  a.send(1);
  b.send(2);
  for (int i = 0; i < 50; ++i) {
    auto from_a = weft::on_recv(a);
    auto from_b = weft::on_recv(b);
    EXPECT_EQ(weft::select(weft::when(false, from_a), from_b), 1u);
    EXPECT_FALSE(from_a);
    EXPECT_EQ(from_b.take(), 2);
    b.send(2);
  }
  auto from_a = weft::on_recv(a);
  EXPECT_FALSE(weft::try_select(weft::when(false, from_a)));
  EXPECT_TRUE(weft::try_select(weft::when(true, from_a)));
}

TEST(select, a_nil_channel_is_never_chosen) {
  weft::chan<int> nil(nullptr), ready(1);
  ready.send(1);
  auto never = weft::on_recv(nil);
  auto never_either = weft::on_send(nil, 1);
  auto now = weft::on_recv(ready);
  EXPECT_EQ(weft::select(never, never_either, now), 2u);
  EXPECT_FALSE(weft::try_select(never, never_either));
}

TEST(select, a_send_case_on_a_closed_channel_throws_misuse) {
  weft::chan<int> ch(1);
  ch.close();
  auto sending = weft::on_send(ch, 1);
  EXPECT_THROW(weft::select(sending), weft::misuse);
  EXPECT_THROW(weft::try_select(sending), weft::misuse);
}

TEST(select, a_dynamic_set_reports_the_position_in_the_span) {
  std::vector<weft::chan<int>> channels(20);
  using recv_case = decltype(weft::on_recv(channels[0]));
  for (std::size_t winner = 0; winner < channels.size(); ++winner) {
    std::vector<std::unique_ptr<recv_case>> cases;
    std::vector<weft::select_case*> set;
    for (auto& ch : channels) {
      cases.push_back(std::unique_ptr<recv_case>(new auto(weft::on_recv(ch))));
      set.push_back(cases.back().get());
    }
    weft::go([ch = channels[winner], winner] { ch.send(static_cast<int>(winner)); });
    EXPECT_EQ(weft::select(std::span<weft::select_case* const>(set)), winner);
    EXPECT_EQ(cases[winner]->take(), static_cast<int>(winner));
  }
}

TEST(select, a_case_made_from_a_temporary_keeps_its_channel_alive) {
  weft::chan<int> quiet;
  auto v = weft::on_recv(quiet);
  auto late = weft::on_recv(weft::after(2ms));
  EXPECT_EQ(weft::select(v, late), 1u);
  EXPECT_TRUE(late.take());
}

TEST(select, a_dynamic_set_may_hold_disabled_cases_and_may_be_tried) {
  weft::chan<int> ch(1);
  auto v = weft::on_recv(ch);
  weft::select_case* const set[] = {nullptr, &v};
  EXPECT_FALSE(weft::try_select(std::span(set)));
  ch.send(1);
  EXPECT_EQ(weft::select(std::span(set)), 1u);
}

TEST(select, the_same_cases_may_be_selected_again) {
  weft::chan<int> ch(1);
  auto v = weft::on_recv(ch);
  for (int i = 0; i < 10; ++i) {
    ch.send(i);
    weft::select(v);
    ASSERT_TRUE(v);
    EXPECT_EQ(v.take(), i);
  }
  EXPECT_FALSE(weft::try_select(v));
  EXPECT_FALSE(v);
}

TEST(select, a_ticker_a_context_and_a_void_channel_are_cases) {
  weft::ticker beat(1ms);
  auto ctx = weft::with_cancel(weft::background());
  weft::chan<void> signal(1);
  auto tick = weft::on_tick(beat);
  auto quit = weft::on_done(ctx);
  EXPECT_EQ(weft::select(tick, quit), 0u);
  beat.stop();
  ctx.cancel();
  weft::chan<int> quiet;
  auto v = weft::on_recv(quiet);
  auto quit_again = weft::on_done(ctx);
  EXPECT_EQ(weft::select(v, quit_again), 1u);
  signal.send();
  auto s = weft::on_recv(signal);
  EXPECT_EQ(weft::select(v, s), 1u);
  EXPECT_TRUE(s);
}
