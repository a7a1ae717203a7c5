// select chooses at random among the ready cases: none is starved, none preferred for its position.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <array>

class select_fairness : public support::everywhere {};
WEFT_EVERYWHERE(select_fairness);

TEST_P(select_fairness, every_ready_case_is_chosen_about_equally_often) {
  here([&] {
    // 3,000 fair choices among 3: each count has a standard deviation of 26; 200 is 7.7 of them.
    std::array<weft::chan<int>, 3> ready{weft::chan<int>(1), weft::chan<int>(1), weft::chan<int>(1)};
    std::array<int, 3> chosen{};
    for (auto& ch : ready) ch.send(0);
    for (int i = 0; i < 3000; ++i) {
      auto a = weft::on_recv(ready[0]);
      auto b = weft::on_recv(ready[1]);
      auto c = weft::on_recv(ready[2]);
      const auto k = weft::select(a, b, c);
      ++chosen[k];
      ready[k].send(0);
    }
    for (int count : chosen) EXPECT_NEAR(count, 1000, 200);
  });
}

TEST_P(select_fairness, send_and_recv_cases_are_equals) {
  here([&] {
    weft::chan<int> in(1), out(1);
    in.send(0);
    int received = 0;
    for (int i = 0; i < 2000; ++i) {
      auto r = weft::on_recv(in);
      auto s = weft::on_send(out, 1);
      if (weft::select(r, s) == 0) {
        ++received;
        in.send(0);
      } else {
        out.recv();
      }
    }
    EXPECT_NEAR(received, 1000, 180);  // 8 standard deviations
  });
}

TEST_P(select_fairness, try_select_is_as_fair_as_select) {
  here([&] {
    weft::chan<int> closed_a, closed_b;
    closed_a.close();
    closed_b.close();
    int first = 0;
    for (int i = 0; i < 2000; ++i) {
      auto a = weft::on_recv(closed_a);
      auto b = weft::on_recv(closed_b);
      ASSERT_TRUE(weft::try_select(a, b));
      if (a) ++first;
    }
    EXPECT_NEAR(first, 1000, 180);
  });
}

TEST_P(select_fairness, a_busy_channel_does_not_starve_the_quit_signal) {
  here([&] {
    weft::chan<int> flood(8);
    weft::chan<void> quit;
    auto peers = crew();
    peers.start([&] {
      for (;;) {
        auto s = weft::on_send(flood, 1);
        auto q = weft::on_recv(quit);
        weft::select(s, q);
        if (q) return;
      }
    });
    for (int i = 0; i < 500; ++i) flood.recv();
    quit.close();
  });
}
