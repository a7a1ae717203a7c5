// Races of the scheduler: retake against entering the runtime, processors up and down, stack reuse, spawn storms.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <vector>

using namespace std::chrono_literals;

namespace {

void burn(weft::clock::duration d) {
  const auto end = weft::clock::now() + d;
  while (weft::clock::now() < end) continue;
}

}  // namespace

// Loops whose length straddles the monitor's 10 ms, so that it takes processors from goroutines just entering weft.
TEST(retake_vs_enter, goroutines_that_loop_for_about_a_time_slice_lose_nothing) {
  for (int procs : {1, 2}) {
    support::procs_scope scope(procs);
    support::stress_run run;
    weft::chan<int> ch;
    std::atomic<long> sent{0}, received{0};
    support::crew senders, receivers;
    for (int i = 0; i < 3; ++i) {
      senders.start([&] {
        auto random = run.generator();
        while (run.more()) {
          burn(std::chrono::microseconds(8000 + random.below(6000)));
          ch.send(1);
          ++sent;
        }
      });
      receivers.start([&] {
        while (ch.recv()) ++received;
      });
    }
    senders.join();
    ch.close();
    receivers.join();
    EXPECT_EQ(sent, received);
  }
}

TEST(retake_vs_enter, declared_and_undeclared_blocking_mix) {
  support::procs_scope two(2);
  support::stress_run run;
  weft::mutex m;
  long inside = 0, entered = 0;
  support::crew peers;
  for (int i = 0; i < 6; ++i) {
    peers.start([&, i] {
      auto random = run.generator();
      while (run.more()) {
        const auto nap = std::chrono::microseconds(random.below(i == 0 ? 15'000 : 300));
        if (i % 2) weft::blocking([&] { std::this_thread::sleep_for(nap); });
        else std::this_thread::sleep_for(nap);
        std::lock_guard hold(m);
        EXPECT_EQ(++inside, 1);
        ++entered;
        --inside;
      }
    });
  }
  peers.join();
  EXPECT_GT(entered, 0);
}

TEST(procs_up_down, while_goroutines_spawn_sleep_and_talk) {
  const int before = weft::procs();
  support::stress_run run;
  std::atomic<bool> stop{false};
  weft::chan<int> ch(2);
  std::atomic<long> sent{0}, received{0};
  support::crew senders, others;
  for (int i = 0; i < 4; ++i) {
    senders.start([&] {
      while (!stop) {
        ch.send(1);
        ++sent;
      }
    });
    others.start([&] {
      while (ch.recv()) ++received;
    });
    others.start([&] {
      while (!stop) weft::sleep(100us);
    });
    others.start([&] {
      while (!stop) {
        weft::wait_group wg;
        for (int k = 0; k < 5; ++k) wg.go([] { weft::yield(); });
        wg.wait();
      }
    });
  }
  auto random = run.generator();
  while (run.more()) weft::set_procs(1 + random.below(8));
  stop = true;
  senders.join();
  ch.close();
  others.join();
  weft::set_procs(before);
  EXPECT_EQ(sent, received);
}

// Each goroutine fills part of its stack with its own pattern, parks, and finds it again.
TEST(stack_reuse, nobody_else_writes_on_a_live_stack) {
  for (int procs : {1, 2, 8}) {
    support::procs_scope scope(procs);
    support::stress_run run;
    while (run.more()) {
      support::crew crew;
      for (int i = 0; i < 64; ++i) {
        crew.start([i] {
          volatile unsigned char mine[3000];
          for (auto& byte : mine) byte = static_cast<unsigned char>(i);
          for (int k = 0; k < i % 5; ++k) weft::yield();
          int wrong = 0;
          for (auto& byte : mine) wrong += byte != static_cast<unsigned char>(i);
          EXPECT_EQ(wrong, 0);
        });
      }
    }
  }
}

TEST(thread_and_goroutine_mix, meets_on_one_set_of_channels_and_locks) {
  for (int procs : {1, 2, 8}) {
    support::procs_scope scope(procs);
    support::stress_run run;
    weft::chan<long> ch(1);
    weft::mutex m;
    long sum_sent = 0, sum_received = 0;  // guarded by m
    support::crew goroutines, threads(support::kind::plain_thread), drains, drain_threads(support::kind::plain_thread);
    const auto send = [&] {
      auto random = run.generator();
      while (run.more()) {
        const long v = random.below(1000);
        ch.send(v);
        std::lock_guard hold(m);
        sum_sent += v;
      }
    };
    const auto receive = [&] {
      for (long v : ch) {
        std::lock_guard hold(m);
        sum_received += v;
      }
    };
    for (int i = 0; i < 2; ++i) {
      drains.start(receive);
      drain_threads.start(receive);
      goroutines.start(send);
      threads.start(send);
    }
    goroutines.join();
    threads.join();
    ch.close();
    drains.join();
    drain_threads.join();
    EXPECT_EQ(sum_sent, sum_received);
  }
}

TEST(spawn_storm, trees_of_goroutines_from_goroutines_and_threads_all_run) {
  for (int procs : {1, 2, 8}) {
    support::procs_scope scope(procs);
    support::stress_run run;
    while (run.more()) {
      std::atomic<int> ran{0};
      weft::wait_group wg;
      const auto grow = [&](auto& self, int depth) -> void {
        ++ran;
        if (depth == 0) return;
        for (int i = 0; i < 3; ++i) wg.go([&, depth] { self(self, depth - 1); });
      };
      support::crew roots(support::kind::plain_thread);
      for (int i = 0; i < 2; ++i) roots.start([&] { wg.go([&] { grow(grow, 6); }); });
      roots.join();
      wg.wait();
      ASSERT_EQ(ran, 2 * 1093);  // (3^7 - 1) / 2 each
    }
  }
}
