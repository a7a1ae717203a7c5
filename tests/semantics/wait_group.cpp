// weft::wait_group: wait returns when as many done as add were seen.
#include "support/eventually.h"
#include "support/everywhere.h"

#include "support/parked.h"

#include <weft/weft.h>

#include "base/pause.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

class wait_group_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(wait_group_everywhere);

TEST_P(wait_group_everywhere, wait_returns_after_the_last_done) {
  here([&] {
    weft::wait_group wg;
    std::atomic<int> finished{0};
    wg.add(5);
    auto peers = crew();
    for (int i = 0; i < 5; ++i) {
      peers.start([&] {
        weft::yield();
        ++finished;
        wg.done();
      });
    }
    wg.wait();
    EXPECT_EQ(finished, 5);
  });
}

TEST_P(wait_group_everywhere, wait_returns_at_once_when_nothing_is_outstanding) {
  here([&] {
    weft::wait_group wg;
    wg.wait();
    wg.add(1);
    wg.done();
    wg.wait();
  });
}

TEST_P(wait_group_everywhere, go_counts_the_goroutine_it_starts) {
  here([&] {
    weft::wait_group wg;
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
    wg.wait();
    EXPECT_EQ(ran, 100);
  });
}

// Some end where they were started, some park, some are taken by other processors; two groups meet on each.
TEST_P(wait_group_everywhere, wait_returns_after_all_that_go_started_wherever_they_ended) {
  here([&] {
    for (int round = 0; round < 100; ++round) {
      weft::wait_group group, others;
      std::atomic<int> ended{0};
      for (int i = 0; i < 64; ++i) {
        group.go([&, i] {
          if (i % 3 == 1) weft::yield();
          if (i % 7 == 2) others.go([] { weft::yield(); });
          if (i == 40 && round % 50 == 0) weft::blocking([] {});
          ended.fetch_add(1, std::memory_order_relaxed);
        });
        if (i % 16 == 5) others.go([] {});
        if (i == 50 && round % 2 == 0) weft::yield();
      }
      group.wait();
      ASSERT_EQ(ended.load(std::memory_order_relaxed), 64);
      others.wait();
    }
  });
}

TEST_P(wait_group_everywhere, every_waiter_is_released) {
  here([&] {
    weft::wait_group wg;
    wg.add(1);
    std::atomic<int> released{0};
    auto peers = crew();
    for (int i = 0; i < 6; ++i) {
      peers.start([&] {
        wg.wait();
        ++released;
      });
    }
    support::let_others_run();
    EXPECT_EQ(released, 0);
    wg.done();
    peers.join();
    EXPECT_EQ(released, 6);
  });
}

TEST_P(wait_group_everywhere, may_be_used_again_after_wait) {
  here([&] {
    weft::wait_group wg;
    for (int round = 0; round < 50; ++round) {
      int plain = 0;
      wg.go([&] { plain = round; });
      wg.wait();
      EXPECT_EQ(plain, round);
    }
  });
}

TEST_P(wait_group_everywhere, a_goroutine_of_the_group_may_start_more_of_it) {
  here([&] {
    weft::wait_group wg;
    std::atomic<int> ran{0};
    wg.go([&] {
      for (int i = 0; i < 10; ++i) wg.go([&] { ++ran; });
      ++ran;
    });
    wg.wait();
    EXPECT_EQ(ran, 11);
  });
}

// Reused as soon as the wait() calls of the round before have returned, with several waiters in each round.
TEST_P(wait_group_everywhere, rounds_with_several_waiters_follow_each_other) {
  here([&] {
    weft::wait_group wg;
    for (int round = 0; round < 20; ++round) {
      std::atomic<int> released{0};
      wg.add(2);
      auto waiters = crew();
      for (int i = 0; i < 3; ++i) {
        support::start_parked(waiters, [&] {
          wg.wait();
          ++released;
        });
      }
      wg.done();
      EXPECT_EQ(released, 0);
      wg.done();
      waiters.join();
      EXPECT_EQ(released, 3);
    }
  });
}

TEST_P(wait_group_everywhere, add_of_zero_and_of_several_below_zero_count) {
  here([&] {
    weft::wait_group wg;
    wg.add(0);
    wg.wait();
    wg.add(3);
    auto waiters = crew();
    support::start_parked(waiters, [&] { wg.wait(); });
    wg.add(-3);
  });
}

TEST(wait_group, counting_below_zero_throws_misuse) {
  weft::wait_group wg;
  EXPECT_THROW(wg.done(), weft::misuse);
  weft::wait_group other;
  other.add(1);
  EXPECT_THROW(other.add(-2), weft::misuse);
}

TEST(wait_group, a_count_beyond_two_thousand_million_is_misuse_and_keeps_what_it_was) {
  weft::wait_group wg;
  wg.add(0x7fff'ffff);
  EXPECT_THROW(wg.add(1), weft::misuse);
  wg.add(-0x7fff'ffff);
  wg.wait();
}

TEST(wait_group, go_destroys_what_its_function_holds_before_wait_returns) {
  weft::run([] {
    for (int i = 0; i < 200; ++i) {
      auto held = std::make_shared<int>(i);
      weft::wait_group wg;
      wg.go([held] { weft::yield(); });
      wg.wait();
      ASSERT_EQ(held.use_count(), 1);
    }
  });
}

// What go() starts is counted by the processor until it gets away from it (sched/account.h). Here six get away in the same
// manner and end elsewhere, while the one that started them keeps the processor.
class wait_group_on_the_run : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(by, wait_group_on_the_run, testing::Values("park", "blocking", "retake"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(wait_group_on_the_run, those_that_end_elsewhere_are_waited_for) {
  support::procs_scope procs(1);
  weft::run([&] {
    constexpr int children = 6;
    const std::string manner = GetParam();
    weft::chan<void> gate;
    std::atomic<bool> is_open{false};
    std::atomic<int> arrived{0}, ended{0};
    weft::wait_group group;
    const auto spin = [&] {
      while (!is_open.load()) weft::base::pause();
    };
    for (int i = 0; i < children; ++i)
      group.go([&] {
        ++arrived;
        if (manner == "park") gate.recv();
        else if (manner == "blocking") weft::blocking(spin);
        else spin();
        ++ended;
      });
    ASSERT_TRUE(support::eventually([&] { return arrived == children; }));
    support::let_others_run();  // the last one is on its way
    support::procs_scope one_more(2);
    std::thread opener([&] {
      is_open = true;
      gate.close();
    });
    while (ended != children) weft::base::pause();  // keeps the processor for the 10 ms that this takes at most
    group.wait();
    weft::blocking([&] { opener.join(); });
  });
}
