// with_signals: the first of the given signals cancels the context; leaving the scope gives the signals back.
#include "support/child.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>

using namespace std::chrono_literals;

class signals_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(signals_everywhere);

TEST_P(signals_everywhere, a_signal_cancels_the_context) {
  here([&] {
    auto ctx = weft::with_signals(weft::background(), {SIGUSR1, SIGUSR2});
    EXPECT_FALSE(ctx.cancelled());
    ::kill(::getpid(), SIGUSR2);
    EXPECT_FALSE(ctx.done().recv());
    EXPECT_EQ(ctx.err(), std::errc::operation_canceled);
  });
}

TEST_P(signals_everywhere, may_be_armed_again_and_by_several) {
  here([&] {
    for (int round = 0; round < 3; ++round) {
      auto a = weft::with_signals(weft::background(), {SIGUSR1});
      auto b = weft::with_signals(weft::background(), {SIGUSR1});
      ::kill(::getpid(), SIGUSR1);
      EXPECT_FALSE(a.done().recv());
      EXPECT_FALSE(b.done().recv());
    }
  });
}

TEST_P(signals_everywhere, leaving_the_scope_without_a_signal_cancels_quietly) {
  here([&] {
    auto parent = weft::with_cancel(weft::background());
    { auto ctx = weft::with_signals(parent, {SIGUSR1}); }
    auto ctx = weft::with_signals(parent, {SIGUSR1});
    parent.cancel();
    EXPECT_FALSE(ctx.done().recv());
  });
}

WEFT_CHILD(signal_after_the_scope) {
  { auto ctx = weft::with_signals(weft::background(), {SIGUSR1}); }
  ::kill(::getpid(), SIGUSR1);
  return 0;
}

TEST(signals, the_default_action_is_back_after_the_scope) {
  const auto child = support::run_child("signal_after_the_scope");
  EXPECT_EQ(child.signal, SIGUSR1) << child;
}

WEFT_CHILD(waits_for_a_signal) {
  return weft::run([] {
    auto ctx = weft::with_signals(weft::background(), {SIGINT, SIGTERM});
    weft::go([] { ::kill(::getpid(), SIGTERM); });
    ctx.done().recv();
    std::puts("graceful");
  });
}

TEST(signals, a_program_ends_gracefully_on_sigterm) {
  const auto child = support::run_child("waits_for_a_signal");
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_EQ(child.out, "graceful\n") << child;
}
