// Delivery of process signals: to every watch of a signal, and to none once it has gone.
#include "os/signals.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/atomic.h"
#include "os/futex.h"
#include "os/process_threads.h"

namespace {

namespace base = weft::base;
namespace os = weft::os;

struct counter : os::signal_watch {
  counter() : signal_watch(count) {}
  ~counter() { os::unwatch_signals(*this); }

  static void count(signal_watch& watch, int signal) {
    auto& self = static_cast<counter&>(watch);
    self.last = signal;
    self.seen.fetch_add(1, base::release);
    os::futex_wake(self.seen, 1);
  }
  void wait_for(std::uint32_t n) {
    for (std::uint32_t now; (now = seen.load(base::acquire)) < n;) os::futex_wait(seen, now, os::no_deadline);
  }

  base::atomic<std::uint32_t> seen{0};
  int last = 0;
};

bool is_default(int signal) {
  struct sigaction current = {};
  sigaction(signal, nullptr, &current);
  return current.sa_handler == SIG_DFL;
}

TEST(signals, are_told_to_every_watch_of_theirs_and_to_no_other) {
  counter one, both, other;
  ASSERT_TRUE(os::watch_signal(one, SIGUSR1));
  ASSERT_TRUE(os::watch_signal(both, SIGUSR1));
  ASSERT_TRUE(os::watch_signal(both, SIGUSR2));
  ASSERT_TRUE(os::watch_signal(other, SIGHUP));
  raise(SIGUSR1);
  one.wait_for(1);
  both.wait_for(1);
  raise(SIGUSR2);
  both.wait_for(2);
  EXPECT_EQ(one.last, SIGUSR1);
  EXPECT_EQ(both.last, SIGUSR2);
  EXPECT_EQ(other.seen.load(base::acquire), 0u);
}

TEST(signals, do_what_they_did_before_once_the_last_watch_is_gone) {
  {
    counter one, two;
    ASSERT_TRUE(os::watch_signal(one, SIGUSR1));
    ASSERT_TRUE(os::watch_signal(two, SIGUSR1));
    os::unwatch_signals(one);
    EXPECT_FALSE(is_default(SIGUSR1));
  }
  EXPECT_TRUE(is_default(SIGUSR1));
}

TEST(signals, leave_a_handler_alone_that_somebody_installed_meanwhile) {
  {
    counter one;
    ASSERT_TRUE(os::watch_signal(one, SIGUSR1));
    std::signal(SIGUSR1, SIG_IGN);
  }
  EXPECT_EQ(std::signal(SIGUSR1, SIG_DFL), SIG_IGN);
}

TEST(signals, that_cannot_be_caught_are_refused) {
  counter one;
  for (int signal : {0, -1, SIGKILL, SIGSTOP, 65}) EXPECT_FALSE(os::watch_signal(one, signal)) << signal;
}

TEST(signals, of_an_earlier_watch_do_not_reach_a_later_one) {
  for (int round = 0; round < 100; ++round) {
    {
      counter early;
      ASSERT_TRUE(os::watch_signal(early, SIGUSR1));
      raise(SIGUSR1);
    }
    counter late;
    ASSERT_TRUE(os::watch_signal(late, SIGUSR1));
    raise(SIGUSR1);
    late.wait_for(1);
    os::unwatch_signals(late);
    EXPECT_EQ(late.seen.load(base::acquire), 1u);
  }
}

TEST(signals, keep_no_thread_when_nothing_is_watched) {
  const int before = os::thread_count();
  {
    counter one;
    ASSERT_TRUE(os::watch_signal(one, SIGUSR1));
    EXPECT_EQ(os::thread_count(), before + 1);
  }
  EXPECT_EQ(os::thread_count(), before);
}

}  // namespace
