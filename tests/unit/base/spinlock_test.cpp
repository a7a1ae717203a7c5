#include "base/spinlock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "os/process_threads.h"

namespace {

using weft::base::lock_rank, weft::base::locked, weft::base::spinlock;

TEST(spinlock, one_holder_at_a_time_who_sees_what_the_last_one_wrote) {
  constexpr int threads = 4, rounds = 20'000;
  spinlock lock;
  long plain = 0;
  std::atomic<int> inside{0}, crowded{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        locked guard(lock);
        if (inside.fetch_add(1, std::memory_order_relaxed) != 0) ++crowded;
        ++plain;
        inside.fetch_sub(1, std::memory_order_relaxed);
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(plain, long{threads} * rounds);
  EXPECT_EQ(crowded, 0);
}

TEST(spinlock, try_lock_says_whether_it_holds) {
  spinlock lock;
  ASSERT_TRUE(lock.try_lock());
  std::thread([&] { EXPECT_FALSE(lock.try_lock()); }).join();
  lock.unlock();
  std::thread([&] {
    ASSERT_TRUE(lock.try_lock());
    lock.unlock();
  }).join();
}

TEST(spinlock, guard_releases_at_the_end_of_its_scope) {
  spinlock lock;
  { locked guard(lock); }
  ASSERT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(spinlock, waiter_behind_a_descheduled_holder_stops_burning_its_core) {
  spinlock lock;
  std::atomic<int> waiter_id{0};
  std::atomic<bool> entered{false};
  lock.lock();
  std::thread waiter([&] {
    waiter_id = weft::os::thread_id();
    locked guard(lock);
    entered = true;
  });
  while (waiter_id == 0) std::this_thread::yield();
  while (weft::os::thread_stat_state(waiter_id) != 'S') std::this_thread::yield();  // naps between looks
  EXPECT_FALSE(entered);
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(entered);
}

TEST(spinlock_ranks, in_order_and_equal_ranks_are_fine) {
  spinlock channel(lock_rank::channel), another(lock_rank::channel), timers(lock_rank::timers), leaf;
  locked a(channel), b(another), c(timers), d(leaf);
}

#ifdef WEFT_LOCK_CHECKS
TEST(spinlock_ranks_death, taking_locks_out_of_order_is_caught) {
  spinlock channel(lock_rank::channel), timers(lock_rank::timers);
  EXPECT_DEATH(
      {
        locked later(timers);
        locked earlier(channel);
      },
      "locks taken out of order");
}

TEST(spinlock_ranks_death, releasing_what_one_does_not_hold_is_caught) {
  spinlock lock(lock_rank::idle);
  EXPECT_DEATH(lock.unlock(), "released by a thread that does not hold it");
}

TEST(spinlock_ranks, a_released_lock_does_not_bar_earlier_ranks) {
  spinlock channel(lock_rank::channel), timers(lock_rank::timers);
  { locked later(timers); }
  locked earlier(channel);
}
#endif

}  // namespace
