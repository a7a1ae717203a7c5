// Together or apart: sched/sharing.h. Goroutines that only hand over to each other stay on one processor although another
// is idle; those that compute spread.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <mutex>

#include "sched/idle.h"

using namespace std::chrono_literals;

namespace {

using weft::clock;

// Searches that took something, and wake-ups of sleeping workers, in all so far.
std::uint64_t disturbances() {
  std::uint64_t count = weft::sched::the.wakeups.load(weft::base::relaxed);
  weft::sched::for_each_processor([&](weft::sched::processor& p) { count += p.steals.load(weft::base::relaxed); });
  return count;
}

// Per thousand rounds of `play(rounds)`, once it has run for a while.
template <class Play>
double disturbances_per_thousand(long rounds, Play play) {
  play(rounds / 4);
  const std::uint64_t before = disturbances();
  play(rounds);
  return static_cast<double>(disturbances() - before) * 1000 / static_cast<double>(rounds);
}

void compute(clock::duration how_long) {
  for (const auto end = clock::now() + how_long; clock::now() < end;) {}
}

void ping_pong(long rounds) {
  weft::chan<int> there, back;
  weft::wait_group partner;
  partner.go([=] {
    for (int ball : there) back.send(ball);
  });
  for (long i = 0; i < rounds; ++i) {
    there.send(1);
    back.recv();
  }
  there.close();
  partner.wait();
}

void through_buffer(long items, int pairs) {
  weft::chan<long> queue(128);
  weft::wait_group sending, receiving;
  for (int i = 0; i < pairs; ++i) {
    receiving.go([&] {
      while (queue.recv()) {}
    });
    sending.go([&] {
      for (long k = 0; k < items / pairs; ++k) queue.send(k);
    });
  }
  sending.wait();
  queue.close();
  receiving.wait();
}

}  // namespace

TEST(sharing, a_pair_that_hands_over_is_left_alone_by_an_idle_processor) {
  support::procs_scope two(2);
  support::on_goroutine([] { EXPECT_LT(disturbances_per_thousand(400'000, ping_pong), 1); });
}

TEST(sharing, producers_and_consumers_of_one_channel_are_left_alone_too) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    EXPECT_LT(disturbances_per_thousand(2'000'000, [](long items) { through_buffer(items, 1); }), 1);
    EXPECT_LT(disturbances_per_thousand(2'000'000, [](long items) { through_buffer(items, 4); }), 1);
  });
}

TEST(sharing, who_was_woken_by_one_that_goes_on_computing_runs_meanwhile) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    ping_pong(20'000);  // the processor is known as a fast one: it tells nobody of a single goroutine
    weft::chan<void> wake(1);
    std::atomic<bool> ran{false};
    weft::wait_group woken;
    woken.go([&] {
      wake.recv();
      ran = true;
    });
    support::let_others_run();
    wake.send();
    const auto end = clock::now() + support::stretched(5s);
    while (!ran && clock::now() < end) {}  // never calls into the runtime
    EXPECT_TRUE(ran);
    woken.wait();
  });
}

// Giving one away takes longer than running it: sharing.h, S5. Each search that finds some takes dozens of them.
TEST(sharing, newborns_that_do_nothing_are_left_to_who_starts_them) {
#ifndef NDEBUG
  GTEST_SKIP() << "in a debug build they take longer than giving them away in the others";
#endif
  support::procs_scope two(2);
  support::on_goroutine([] {
    const auto start_many = [](long goroutines) {
      weft::wait_group all;
      for (long i = 0; i < goroutines; ++i) all.go([] {});
      all.wait();
    };
    EXPECT_LT(disturbances_per_thousand(2'000'000, start_many), 5);
  });
}

// ... but not for long: what comes after them and is worth it is given.
TEST(sharing, newborns_that_compute_use_both_processors_also_after_many_that_do_nothing) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    weft::wait_group nothing;
    for (int i = 0; i < 300'000; ++i) nothing.go([] {});
    nothing.wait();
    std::atomic<int> computing{0}, most{0};
    EXPECT_TRUE(support::eventually([&] {
      weft::wait_group all;
      for (int i = 0; i < 64; ++i)
        all.go([&] {
          const int now = ++computing;
          if (now > most) most = now;
          compute(20us);
          --computing;
        });
      all.wait();
      return most >= 2;
    }));
  });
}

TEST(sharing, goroutines_that_compute_between_yields_use_both_processors) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    ping_pong(20'000);
    std::atomic<bool> stop{false};
    std::atomic<int> computing{0}, most{0};
    weft::wait_group all;
    for (int i = 0; i < 4; ++i)
      all.go([&] {
        while (!stop) {
          const int now = ++computing;
          if (now > most) most = now;
          compute(20us);
          --computing;
          weft::yield();
        }
      });
    // Asleep, not by yields: who yields without end keeps the other processor busy when it has been taken there.
    for (const auto give_up = clock::now() + support::stretched(20s); most < 2 && clock::now() < give_up;) weft::sleep(1ms);
    EXPECT_GE(most, 2);
    stop = true;
    all.wait();
  });
}

// They meet the lock held, part, and come together: most of them take it undisturbed.
TEST(sharing, contenders_for_a_lock_come_together) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    const auto contend = [](long times) {
      weft::mutex lock;
      long counter = 0;
      weft::wait_group all;
      for (int i = 0; i < 8; ++i)
        all.go([&] {
          for (long k = 0; k < times / 8; ++k) {
            std::lock_guard hold(lock);
            ++counter;
          }
        });
      all.wait();
      EXPECT_EQ(counter, times / 8 * 8);
    };
    EXPECT_LT(disturbances_per_thousand(4'000'000, contend), 1);
  });
}

// steal.h, V4: thousands wait in a line that it cannot have, and it does not wake itself for them again and again.
TEST(sharing, an_idle_worker_leaves_one_in_peace_that_is_inside_the_runtime) {
  support::procs_scope two(2);
  support::on_goroutine([] {
    weft::wait_group all;
    for (int i = 0; i < 20'000; ++i) all.go([] { compute(1us); });
    const std::uint64_t before = disturbances();
    {
      const weft::sched::runtime_scope inside;
      compute(50ms);
    }
    EXPECT_LT(disturbances() - before, 100U);
    all.wait();
  });
}
