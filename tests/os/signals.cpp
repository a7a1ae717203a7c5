#include <csignal>
#include <set>

#include <gtest/gtest.h>
#include <weft/os.h>
#include <weft/weft.h>

#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

namespace os = weft::os;

class os_signals : public support::everywhere {};
WEFT_EVERYWHERE(os_signals);

TEST_P(os_signals, arrive_on_the_channel) {
  here([] {
    os::signals some({SIGUSR1, SIGUSR2});
    ::raise(SIGUSR2);
    EXPECT_EQ(some.channel().recv(), SIGUSR2);
    ::raise(SIGUSR1);
    EXPECT_EQ(some.channel().recv(), SIGUSR1);
  });
}

TEST_P(os_signals, a_receiver_that_waits_is_woken_and_stop_ends_it) {
  here([this] {
    os::signals some({SIGUSR1});
    auto peers = crew();
    std::atomic<int> seen{0};
    peers.start([&, in = some.channel()] {
      for (int signal : in) seen += signal == SIGUSR1;
    });
    ::raise(SIGUSR1);
    EXPECT_TRUE(support::eventually([&] { return seen == 1; }));
    some.stop();
    some.stop();
  });
}

// A flood of one signal must not push another out, and what comes after a receive must be received again.
TEST_P(os_signals, none_is_lost_however_slow_the_receiver) {
  here([] {
    os::signals some({SIGUSR1, SIGUSR2, SIGHUP});
    for (int i = 0; i < 2000; ++i) ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    ::raise(SIGHUP);
    std::set<int> seen;
    while (seen.size() < 3) seen.insert(*some.channel().recv());
    for (int round = 0; round < 20; ++round) {
      while (some.channel().try_recv()) {
      }
      ::raise(SIGUSR2);
      while (*some.channel().recv() != SIGUSR2) {
      }
    }
  });
}

TEST_P(os_signals, every_registration_gets_its_own_and_contexts_too) {
  here([] {
    os::signals one({SIGUSR1}), two({SIGUSR1, SIGHUP});
    auto ctx = weft::with_signals(weft::background(), {SIGUSR1});
    ::raise(SIGUSR1);
    EXPECT_EQ(one.channel().recv(), SIGUSR1);
    EXPECT_EQ(two.channel().recv(), SIGUSR1);
    EXPECT_FALSE(ctx.done().recv());
  });
}

TEST(os_signals, do_again_what_they_did_when_the_last_one_goes) {
  {
    os::signals one({SIGUSR1});
    os::signals moved = std::move(one);
    EXPECT_FALSE(one.channel().try_recv());
    ::raise(SIGUSR1);
    EXPECT_EQ(moved.channel().recv(), SIGUSR1);
  }
  struct sigaction current = {};
  ::sigaction(SIGUSR1, nullptr, &current);
  EXPECT_EQ(current.sa_handler, SIG_DFL);
}

TEST(os_signals, those_that_cannot_be_caught_are_misuse_and_leave_nothing) {
  EXPECT_THROW(os::signals({SIGUSR1, SIGKILL}), weft::misuse);
  EXPECT_THROW(os::signals({0}), weft::misuse);
  struct sigaction current = {};
  ::sigaction(SIGUSR1, nullptr, &current);
  EXPECT_EQ(current.sa_handler, SIG_DFL);
}

}  // namespace
