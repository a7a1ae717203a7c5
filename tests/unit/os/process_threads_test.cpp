#include "os/process_threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <thread>

#include "os/clock.h"
#include "os/futex.h"

namespace {

using namespace weft;
constexpr pid_t nobody = 0x3ffffff0;  // above any pid_max

// A thread that sleeps until it is told to burn CPU time or to end.
class companion {
 public:
  companion() {
    while (id() == 0) std::this_thread::yield();
  }
  ~companion() { end(); }
  void end() {
    tell(2);
    if (thread_.joinable()) thread_.join();
  }
  void burn() { tell(1); }
  pid_t id() const { return id_.load(base::acquire); }

 private:
  void tell(std::uint32_t order) {
    order_.store(order, base::release);
    os::futex_wake(order_, 1);
  }
  void work() {
    id_.store(os::thread_id(), base::release);
    for (std::uint32_t order; (order = order_.load(base::acquire)) != 2;)
      if (order == 0) os::futex_wait(order_, 0, os::no_deadline);
  }
  base::atomic<std::uint32_t> order_{0};
  base::atomic<pid_t> id_{0};
  std::thread thread_{[this] { work(); }};
};

TEST(process_threads, thread_id_of_the_main_thread_is_the_process_id) { EXPECT_EQ(os::thread_id(), getpid()); }

TEST(process_threads, count_follows_threads_that_start) {
  const int before = os::thread_count();
  ASSERT_GE(before, 1);
  companion one, two;
  EXPECT_EQ(os::thread_count(), before + 2);
}

TEST(process_threads, count_survives_a_name_that_looks_like_a_stat_line) {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  const int before = os::thread_count();
  prctl(PR_SET_NAME, ") S 1 2 (3) 4 ");
  EXPECT_EQ(os::thread_count(), before);
  EXPECT_EQ(os::thread_stat_state(os::thread_id()), 'R');
  prctl(PR_SET_NAME, name);
}

TEST(process_threads, state_tells_asleep_from_running) {
  companion other;
  while (os::thread_stat_state(other.id()) != 'S') std::this_thread::yield();
  other.burn();
  while (os::thread_stat_state(other.id()) != 'R') std::this_thread::yield();
  EXPECT_EQ(os::thread_stat_state(os::thread_id()), 'R');
  EXPECT_EQ(os::thread_stat_state(nobody), '\0');
}

TEST(process_threads, cpu_time_grows_while_a_thread_runs_and_stands_while_it_sleeps) {
  companion other;
  while (os::thread_stat_state(other.id()) != 'S') std::this_thread::yield();
  const std::int64_t asleep = os::thread_cpu_ns(other.id());
  ASSERT_GE(asleep, 0);
  EXPECT_EQ(os::thread_cpu_ns(other.id()), asleep);
  other.burn();
  while (os::thread_cpu_ns(other.id()) < asleep + 2'000'000) std::this_thread::yield();
}

TEST(process_threads, cpu_time_is_the_clock_of_pthread_getcpuclockid) {
  clockid_t clock;
  ASSERT_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
  const auto now = [&] {
    timespec t;
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
  };
  const std::int64_t before = now(), ours = os::thread_cpu_ns(os::thread_id()), after = now();
  EXPECT_LE(before, ours);
  EXPECT_LE(ours, after);
}

TEST(process_threads, cpu_time_of_no_thread_is_minus_one) {
  EXPECT_EQ(os::thread_cpu_ns(nobody), -1);
  EXPECT_EQ(os::thread_cpu_ns(0), -1);
  EXPECT_EQ(os::thread_cpu_ns(-1), -1);
}

TEST(process_threads, timer_slack_is_one_nanosecond_after_asking) {
  ASSERT_TRUE(os::set_timer_slack_1ns());
  EXPECT_EQ(prctl(PR_GET_TIMERSLACK), 1);
}

TEST(process_threads, batch_is_set_on_another_thread_and_taken_back) {
  companion other;
  if (!os::set_batch(other.id(), true)) GTEST_SKIP() << "this sandbox refuses sched_setscheduler";
  EXPECT_EQ(sched_getscheduler(other.id()), SCHED_BATCH);
  EXPECT_NE(sched_getscheduler(0), SCHED_BATCH);
  EXPECT_TRUE(os::set_batch(other.id(), true));
  EXPECT_TRUE(os::set_batch(other.id(), false));
  EXPECT_EQ(sched_getscheduler(other.id()), SCHED_OTHER);
  EXPECT_FALSE(os::set_batch(nobody, true));
  EXPECT_FALSE(os::set_batch(0, true));
}

TEST(process_threads, batch_leaves_other_policies_alone) {
  companion other;
  const sched_param no_priority{};
  if (sched_setscheduler(other.id(), SCHED_IDLE, &no_priority) != 0) GTEST_SKIP() << "refused by this sandbox";
  EXPECT_FALSE(os::set_batch(other.id(), true));
  EXPECT_EQ(sched_getscheduler(other.id()), SCHED_IDLE);
}

TEST(process_threads, errno_stays) {
  errno = 4711;
  os::thread_cpu_ns(nobody);
  os::thread_stat_state(nobody);
  os::set_batch(nobody, true);
  os::thread_count();
  EXPECT_EQ(errno, 4711);
}

}  // namespace
