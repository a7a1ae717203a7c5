// Races at the moment something changes hands: a sleeper that is made runnable while it still goes to sleep, work that is
// stolen while it is pushed, a value that meets a cancellation or a deadline.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <vector>

#include "sched/schedule.h"

using namespace std::chrono_literals;

class park_vs_ready : public support::everywhere {};
WEFT_EVERYWHERE(park_vs_ready);

// The scheduler's own two operations, with nothing between them: the waker is as quick as can be, so that ready() comes
// before park(), while the sleeper leaves its stack, or after. Each ready must end exactly one park.
TEST_P(park_vs_ready, every_ready_ends_one_park_however_early_it_comes) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    std::atomic<weft::detail::sleeper*> offered{nullptr};
    std::atomic<bool> stop{false};
    std::atomic<long> woken{0};
    long readied = 0;
    auto sleepers = crew();
    for (int i = 0; i < 3; ++i) {
      sleepers.start([&] {
        while (!stop) {
          weft::detail::sleeper* nobody = nullptr;
          if (!offered.compare_exchange_strong(nobody, weft::sched::self())) {
            weft::yield();
            continue;
          }
          weft::sched::park(weft::sched::wait_reason::semaphore_acquire, &offered);
          ++woken;
        }
      });
    }
    const auto wake_one = [&] {
      if (auto* sleeper = offered.exchange(nullptr)) {
        ++readied;
        weft::sched::ready(sleeper);
      } else {
        weft::yield();
      }
    };
    while (run.more()) {
      for (int k = 0; k < 100; ++k) wake_one();
    }
    stop = true;
    // A sleeper offers itself at most once more.
    EXPECT_TRUE(support::eventually([&] {
      wake_one();
      return woken == readied && !offered.load();
    }));
    std::atomic<bool> over{false};
    auto last = crew();
    last.start([&] {
      sleepers.join();
      over = true;
    });
    while (!over) wake_one();
    last.join();
    EXPECT_EQ(woken, readied);
  });
}

class steal_vs_push : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(on, steal_vs_push, testing::Values(2, 3, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

// Bursts around the sizes at which queues grow, overflow and are halved by thieves. Nobody runs twice, nobody is forgotten.
TEST_P(steal_vs_push, each_of_a_burst_runs_exactly_once) {
  support::on_goroutine([] {
    support::stress_run run;
    auto random = run.generator();
    std::vector<std::atomic<int>> ran(600);
    while (run.more()) {
      const auto size = static_cast<std::size_t>(1 + random.below(600));
      const bool yields = random.below(2) != 0;
      for (auto& count : ran) count = 0;
      weft::wait_group all;
      for (std::size_t i = 0; i < size; ++i) {
        all.go([&, i] {
          if (yields) weft::yield();  // queued a second time, as one that has a stack
          ++ran[i];
        });
        if (random.below(64) == 0) weft::yield();
      }
      all.wait();
      for (std::size_t i = 0; i < ran.size(); ++i) ASSERT_EQ(ran[i], i < size ? 1 : 0) << i;
    }
  });
}

class cancel_vs_send : public support::everywhere {};
WEFT_EVERYWHERE(cancel_vs_send);

// A select between a send and a cancellation: the value went to a receiver or is still here, never both, never neither.
TEST_P(cancel_vs_send, the_value_is_sent_or_kept) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::chan<std::unique_ptr<int>> ch(static_cast<std::size_t>(random.below(2)));
      auto ctx = weft::with_timeout(weft::background(), std::chrono::microseconds(random.below(80)));
      std::atomic<int> sent{0}, kept{0}, received{0};
      constexpr int senders = 4;
      auto sending = crew(), receiving = crew();
      for (int i = 0; i < senders; ++i) {
        sending.start([&] {
          auto out = weft::on_send(ch, std::make_unique<int>(1));
          auto quit = weft::on_done(ctx);
          weft::select(out, quit);
          ++(out ? sent : kept);
          ASSERT_EQ(out.value() == nullptr, bool(out));
        });
      }
      receiving.start([&] {
        while (const auto v = ch.recv()) received += **v;
      });
      if (random.below(2)) ctx.cancel();
      sending.join();
      ch.close();
      receiving.join();
      ASSERT_EQ(sent, received);
      ASSERT_EQ(sent + kept, senders);
    }
  });
}

class deadline_vs_value : public support::everywhere {};
WEFT_EVERYWHERE(deadline_vs_value);

// Both sides are impatient, with deadlines of about the time a meeting takes: a value that one side says it sent, the other
// says it received.
TEST_P(deadline_vs_value, both_sides_agree_on_what_happened) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<long> ch;
    std::atomic<bool> stop{false};
    std::atomic<long> sent{0}, sum_sent{0}, received{0}, sum_received{0};
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&, sends = i % 2 == 0] {
        auto random = run.generator();
        for (long value = 1; !stop; ++value) {
          auto late = weft::on_timeout(std::chrono::microseconds(random.below(40)));
          if (sends) {
            auto out = weft::on_send(ch, value);
            weft::select(out, late);
            if (out) ++sent, sum_sent += value;
          } else {
            auto in = weft::on_recv(ch);
            weft::select(in, late);
            if (auto v = in.take()) ++received, sum_received += *v;
          }
        }
      });
    }
    while (run.more()) weft::sleep(5ms);
    stop = true;
    peers.join();
    EXPECT_EQ(sent, received);
    EXPECT_EQ(sum_sent, sum_received);
  });
}

class stop_vs_stop : public support::everywhere {};
WEFT_EVERYWHERE(stop_vs_stop);

// Several stops and the firing itself compete for one timer: exactly one of them gets it.
TEST_P(stop_vs_stop, exactly_one_of_two_stops_and_the_firing_wins) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    auto random = run.generator();
    while (run.more()) {
      weft::chan<void> ran(1);
      std::atomic<int> won{0};
      auto t = weft::after_func(std::chrono::microseconds(random.below(40)), [ran] { ran.send(); });
      auto peers = crew();
      peers.start([&] { won += t.stop(); });
      won += t.stop();
      peers.join();
      if (won == 0) ASSERT_TRUE(ran.recv());  // hangs when it never runs
      else ASSERT_FALSE(ran.try_recv());
      ASSERT_LE(won, 1);
    }
  });
}
