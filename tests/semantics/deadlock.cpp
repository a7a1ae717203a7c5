// Deadlock: reported when nothing can ever happen again and only then, with every goroutine, what it waits for and
// since when.
//
// Each scenario is a program of its own (support/child.h). A true deadlock must end it with exit status 2 and a dump;
// in the others something is still able to wake a goroutine, and a report would be false.
#include "support/child.h"
#include "support/crew.h"

#include <weft/weft.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;
using support::mentions;

namespace {

// Long enough for a false report to be made, should the detector be wrong: this is what the tests below look for.
constexpr auto long_enough_to_be_misjudged = 700ms;

// A deadlock that is not reported hangs: no need to wait for the default limit.
support::child_result run(const char* scenario) { return support::run_child(scenario, {}, 10s); }

void expect_deadlock(const support::child_result& child) {
  EXPECT_FALSE(child.timed_out) << child;
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, mentions("all goroutines are asleep - deadlock")) << child;
}

void expect_clean(const support::child_result& child) {
  EXPECT_FALSE(child.timed_out) << child;
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_EQ(child.out, "ok\n") << child;
  EXPECT_THAT(child.err, testing::Not(mentions("deadlock"))) << child;
}

int ok() {
  std::puts("ok");
  std::fflush(stdout);
  return 0;
}

}  // namespace

WEFT_CHILD(main_receives_for_ever) {
  return weft::run([] { weft::chan<int>().recv(); });
}
WEFT_CHILD(main_sends_on_nil) {
  return weft::run([] { weft::chan<int>(nullptr).send(1); });
}
WEFT_CHILD(main_selects_among_nothing) {
  return weft::run([] {
    weft::chan<int> nil(nullptr), open;
    auto never = weft::on_recv(nil);
    auto disabled = weft::on_recv(open);
    weft::select(never, weft::when(false, disabled));
  });
}
WEFT_CHILD(plain_main_receives_for_ever) {
  weft::chan<int>().recv();
  return 0;
}
WEFT_CHILD(everyone_waits) {
  return weft::run([] {
    weft::chan<int> ch;
    weft::mutex m;
    weft::wait_group wg;
    m.lock();
    weft::go({.name = "locker"}, [&] { m.lock(); });
    weft::go({.name = "selector"}, [&] {
      weft::chan<int> own;
      auto r = weft::on_recv(own);
      auto s = weft::on_send(own, 1);
      weft::select(r, s);
    });
    weft::go({.name = "nil reader"}, [] { weft::chan<int>(nullptr).recv(); });
    wg.go([ch] { ch.send(1); });
    wg.wait();
  });
}
WEFT_CHILD(two_mutexes_crosswise) {
  weft::mutex a, b;
  weft::chan<void> both_hold(2);
  weft::wait_group wg;
  const auto cross = [&](weft::mutex& first, weft::mutex& second) {
    first.lock();
    both_hold.send();
    while (both_hold.size() < 2) weft::yield();
    second.lock();
  };
  wg.go([&] { cross(a, b); });
  wg.go([&] { cross(b, a); });
  wg.wait();
  return 0;
}
WEFT_CHILD(a_plain_thread_waits_too) {
  weft::chan<int> ch;
  std::thread t([ch] { ch.recv(); });
  t.detach();
  weft::go([ch] { ch.recv(); });
  weft::chan<int>().recv();
  return 0;
}
WEFT_CHILD(deadlock_after_work) {
  return weft::run([] {
    support::crew crew;
    for (int i = 0; i < 50; ++i) crew.start([] { weft::sleep(1ms); });
    crew.join();
    auto t = weft::timer(1h);
    t.stop();
    weft::chan<void>().send();
  });
}

TEST(deadlock, of_the_main_goroutine_is_reported) { expect_deadlock(run("main_receives_for_ever")); }
TEST(deadlock, of_a_send_on_a_nil_channel_is_reported) { expect_deadlock(run("main_sends_on_nil")); }
TEST(deadlock, of_a_select_that_can_never_fire_is_reported) { expect_deadlock(run("main_selects_among_nothing")); }
TEST(deadlock, of_the_main_thread_is_reported) { expect_deadlock(run("plain_main_receives_for_ever")); }
TEST(deadlock, of_two_mutexes_is_reported) { expect_deadlock(run("two_mutexes_crosswise")); }
TEST(deadlock, with_every_plain_thread_parked_in_weft_is_reported) {
  expect_deadlock(run("a_plain_thread_waits_too"));
}
TEST(deadlock, after_a_stopped_timer_is_reported) { expect_deadlock(run("deadlock_after_work")); }

TEST(deadlock, the_report_lists_every_goroutine_what_it_waits_for_and_since_when) {
  const auto child = run("everyone_waits");
  expect_deadlock(child);
  for (const char* words : {"goroutine", "locker", "mutex", "selector", "select", "nil reader", "chan", "wait_group"}) {
    EXPECT_THAT(child.err, mentions(words)) << child;
  }
  EXPECT_THAT(child.err, testing::AnyOf(mentions(" ms"), mentions(" s"), mentions("us"), mentions("since"))) << child;
}

// --- never falsely -------------------------------------------------------------------------------

WEFT_CHILD(a_sleeping_os_thread_will_send) {
  return weft::run([] {
    weft::chan<int> ch;
    std::thread later([ch] {
      std::this_thread::sleep_for(long_enough_to_be_misjudged);
      ch.send(1);
    });
    ch.recv();
    weft::blocking([&] { later.join(); });
    return ok();
  });
}
WEFT_CHILD(main_thread_is_elsewhere) {
  weft::chan<int> ch;
  weft::chan<int> back;
  weft::go([=] { back.send(*ch.recv()); });
  std::this_thread::sleep_for(long_enough_to_be_misjudged);
  ch.send(1);
  back.recv();
  return ok();
}
WEFT_CHILD(a_goroutine_is_in_a_blocking_call) {
  return weft::run([] {
    weft::chan<int> ch;
    weft::go([ch] {
      weft::blocking([] { std::this_thread::sleep_for(long_enough_to_be_misjudged); });
      ch.send(1);
    });
    ch.recv();
    return ok();
  });
}
WEFT_CHILD(a_goroutine_is_in_an_undeclared_blocking_call) {
  return weft::run([] {
    weft::chan<int> ch;
    weft::go([ch] {
      std::this_thread::sleep_for(long_enough_to_be_misjudged);
      ch.send(1);
    });
    ch.recv();
    return ok();
  });
}
WEFT_CHILD(a_timer_is_pending) {
  return weft::run([] {
    weft::chan<int> ch;
    auto t = weft::after_func(long_enough_to_be_misjudged, [ch] { ch.send(1); });
    ch.recv();
    return ok();
  });
}
WEFT_CHILD(a_context_deadline_is_pending) {
  auto ctx = weft::with_timeout(weft::background(), long_enough_to_be_misjudged);
  ctx.done().recv();
  return ok();
}
WEFT_CHILD(a_plain_thread_sleeps_in_weft) {
  weft::chan<int> ch;
  std::thread later([ch] {
    weft::sleep(long_enough_to_be_misjudged);
    ch.send(1);
  });
  ch.recv();
  later.join();
  return ok();
}
WEFT_CHILD(signals_are_armed) {
  auto ctx = weft::with_signals(weft::background(), {SIGUSR1});
  // The signal comes from another process, so that no thread or timer of this one is a reason to wait.
  if (::fork() == 0) {
    ::usleep(std::chrono::microseconds(long_enough_to_be_misjudged).count());
    ::kill(::getppid(), SIGUSR1);
    ::_exit(0);
  }
  ctx.done().recv();
  return ok();
}
WEFT_CHILD(a_pinned_goroutine_blocks_its_thread) {
  return weft::run([] {
    weft::chan<int> ch;
    weft::go([ch] {
      weft::thread_pin pin;
      ::usleep(std::chrono::microseconds(long_enough_to_be_misjudged).count());
      ch.send(1);
    });
    ch.recv();
    return ok();
  });
}

class no_false_deadlock : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(while_, no_false_deadlock,
                         testing::Values("a_sleeping_os_thread_will_send", "main_thread_is_elsewhere",
                                         "a_goroutine_is_in_a_blocking_call",
                                         "a_goroutine_is_in_an_undeclared_blocking_call", "a_timer_is_pending",
                                         "a_context_deadline_is_pending", "a_plain_thread_sleeps_in_weft",
                                         "signals_are_armed", "a_pinned_goroutine_blocks_its_thread"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(no_false_deadlock, is_reported) { expect_clean(run(GetParam())); }
