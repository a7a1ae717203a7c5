#include "os/futex.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "os/clock.h"
#include "os/process_threads.h"

namespace {

using weft::base::acquire, weft::base::relaxed, weft::base::release;
using weft::os::futex_wait, weft::os::futex_wake, weft::os::no_deadline;

void wait_until_asleep(weft::base::atomic<int>& thread) {
  while (thread.load(acquire) == 0) std::this_thread::yield();
  while (weft::os::thread_stat_state(thread.load(relaxed)) != 'S') std::this_thread::yield();
}

TEST(futex, returns_at_once_when_the_word_differs) {
  weft::base::atomic<std::uint32_t> word{1};
  EXPECT_EQ(futex_wait(word, 2, no_deadline), EAGAIN);
}

TEST(futex, times_out_at_the_deadline_and_not_before) {
  weft::base::atomic<std::uint32_t> word{1};
  const std::int64_t deadline = weft::os::monotonic_ns() + 3'000'000;
  int result;
  while ((result = futex_wait(word, 1, deadline)) != ETIMEDOUT) ASSERT_EQ(result, 0);  // spurious wake-ups are allowed
  EXPECT_GE(weft::os::monotonic_ns(), deadline);
}

TEST(futex, past_deadlines_time_out_at_once) {
  weft::base::atomic<std::uint32_t> word{1};
  for (std::int64_t past : {weft::os::monotonic_ns() - 1, std::int64_t{0}, std::int64_t{-1}, INT64_MIN})
    EXPECT_EQ(futex_wait(word, 1, past), ETIMEDOUT) << past;
}

TEST(futex, errno_stays) {
  weft::base::atomic<std::uint32_t> word{1};
  errno = 4711;
  futex_wait(word, 1, 0);
  futex_wait(word, 2, no_deadline);
  futex_wake(word, 1);
  EXPECT_EQ(errno, 4711);
}

TEST(futex, wake_reaches_as_many_sleepers_as_asked_for) {
  constexpr int sleepers = 3;
  weft::base::atomic<std::uint32_t> word{0};
  weft::base::atomic<int> awake{0}, ids[sleepers];
  std::vector<std::thread> threads;
  EXPECT_EQ(futex_wake(word, 100), 0);
  for (auto& id : ids) {
    threads.emplace_back([&] {
      id.store(weft::os::thread_id(), release);
      while (word.load(acquire) == 0) futex_wait(word, 0, no_deadline);
      awake.fetch_add(1, release);
    });
  }
  for (auto& id : ids) wait_until_asleep(id);
  word.store(1, release);
  EXPECT_EQ(futex_wake(word, 1), 1);
  while (awake.load(acquire) < 1) std::this_thread::yield();
  EXPECT_EQ(futex_wake(word, 100), sleepers - 1);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(awake.load(acquire), sleepers);
}

}  // namespace
