// procs and set_procs: how many goroutines run at once, changed while they run; where the default comes from.
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <sched.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace std::chrono_literals;

TEST(procs, set_procs_returns_the_previous_value) {
  const int before = weft::procs();
  EXPECT_GE(before, 1);
  EXPECT_EQ(weft::set_procs(3), before);
  EXPECT_EQ(weft::set_procs(before), 3);
  EXPECT_EQ(weft::procs(), before);
}

TEST(procs, a_value_below_one_changes_nothing) {
  const int before = weft::procs();
  EXPECT_EQ(weft::set_procs(0), before);
  EXPECT_EQ(weft::set_procs(-5), before);
  EXPECT_EQ(weft::procs(), before);
}

TEST(procs, with_one_processor_goroutines_take_turns) {
  support::procs_scope one(1);
  int plain = 0;  // no atomics: only one goroutine runs at a time and yields only between the steps
  support::crew peers;
  for (int i = 0; i < 8; ++i) {
    peers.start([&] {
      for (int k = 0; k < 200; ++k) {
        const int seen = plain;
        plain = seen + 1;
        weft::yield();
      }
    });
  }
  peers.join();
  EXPECT_EQ(plain, 1600);
}

TEST(procs, with_two_processors_two_goroutines_run_at_once) {
  support::procs_scope two(2);
  std::atomic<int> spinning{0};
  std::atomic<bool> met{false};
  const auto meet = [&] {
    ++spinning;
    const auto deadline = weft::clock::now() + support::stretched(20s);
    while (spinning < 2 && weft::clock::now() < deadline) continue;  // never enters weft: needs the other beside it
    if (spinning == 2) met = true;
  };
  support::crew peers;
  peers.start(meet);
  peers.start(meet);
  peers.join();
  EXPECT_TRUE(met);
}

TEST(procs, may_change_while_goroutines_work) {
  const int before = weft::procs();
  std::atomic<bool> stop{false};
  std::atomic<long> handed{0};
  weft::chan<int> ch(4);
  support::crew senders, receivers;
  for (int i = 0; i < 4; ++i) {
    senders.start([&] {
      while (!stop) ch.send(1);
    });
    receivers.start([&] {
      while (ch.recv()) ++handed;
    });
  }
  for (int round = 0; round < 40; ++round) {
    for (int n : {1, 4, 2, 16, 3}) {
      weft::set_procs(n);
      EXPECT_EQ(weft::procs(), n);
      const long seen = handed;
      EXPECT_TRUE(support::eventually([&] { return handed > seen; }));
    }
  }
  stop = true;
  senders.join();
  ch.close();
  receivers.join();
  weft::set_procs(before);
}

TEST(procs, many_more_processors_than_cpus_work) {
  support::procs_scope many(64);
  std::atomic<int> ran{0};
  support::crew peers;
  for (int i = 0; i < 1000; ++i) {
    peers.start([&] {
      weft::yield();
      ++ran;
    });
  }
  peers.join();
  EXPECT_EQ(ran, 1000);
}

WEFT_CHILD(prints_procs) {
  std::printf("%d\n", weft::procs());
  return 0;
}

WEFT_CHILD(prints_procs_bound_to_one_cpu) {
  cpu_set_t allowed, one;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  ::sched_setaffinity(0, sizeof one, &one);
  std::printf("%d\n", weft::procs());
  return 0;
}

TEST(procs, the_environment_sets_the_number) {
  const auto child = support::run_child("prints_procs", {"WEFT_PROCS=5"});
  EXPECT_EQ(child.out, "5\n") << child;
}

TEST(procs, the_default_is_at_most_the_usable_cpus_and_at_least_one) {
  const auto child = support::run_child("prints_procs", {"WEFT_PROCS="});
  const int n = std::atoi(child.out.c_str());
  EXPECT_GE(n, 1) << child;
  EXPECT_LE(n, static_cast<int>(std::thread::hardware_concurrency())) << child;
}

TEST(procs, the_affinity_mask_is_counted) {
  const auto child = support::run_child("prints_procs_bound_to_one_cpu", {"WEFT_PROCS="});
  EXPECT_EQ(child.out, "1\n") << child;
}
