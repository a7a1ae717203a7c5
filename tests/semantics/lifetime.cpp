// Lifetime: the runtime lives until the process exits; main's return ends everything, whatever still runs.
#include "support/child.h"
#include "support/crew.h"

#include <weft/weft.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;
using support::run_child;

namespace {

// Destroyed after main: whoever still runs then would count on.
std::atomic<long> running_counter{0};
struct watches_in_static_destructor {
  bool armed = false;
  ~watches_in_static_destructor() {
    if (!armed) return;
    const long seen = running_counter;
    ::usleep(50'000);  // time for a worker that was not stopped to give itself away
    std::fputs(running_counter == seen ? "workers stopped\n" : "workers still run\n", stdout);
  }
} watcher;

// Uses weft before main when the environment asks for it.
const int received_before_main = [] {
  if (!std::getenv("USE_WEFT_BEFORE_MAIN")) return 0;
  weft::chan<int> ch;
  weft::go([ch] { ch.send(41); });
  return *ch.recv();
}();

}  // namespace

WEFT_CHILD(exits_with_live_goroutines) {
  return weft::run([] {
    weft::chan<int> never;
    for (int i = 0; i < 1000; ++i) weft::go([never] { never.recv(); });
    for (int i = 0; i < 10; ++i) weft::go([] { weft::sleep(1h); });
    weft::yield();
    return 3;
  });
}
WEFT_CHILD(exits_while_goroutines_work) {
  watcher.armed = true;
  for (int i = 0; i < 4; ++i) {
    weft::go([] {
      for (;;) {
        ++running_counter;
        weft::yield();
      }
    });
  }
  while (running_counter < 1000) weft::yield();
  return 0;
}
WEFT_CHILD(exits_beside_endless_loops) {
  std::atomic<int> looping{0};
  static std::atomic<bool> never{false};
  for (int i = 0; i < 3; ++i) {
    weft::go([&looping] {
      ++looping;
      while (!never.load(std::memory_order_relaxed)) continue;
    });
  }
  while (looping < 3) weft::yield();
  return 5;
}
WEFT_CHILD(exits_beside_blocked_system_calls) {
  for (int i = 0; i < 3; ++i) {
    weft::go([] { weft::blocking([] { ::pause(); }); });
    weft::go([] { ::pause(); });
  }
  weft::sleep(30ms);  // let the monitor see them
  return 6;
}
WEFT_CHILD(calls_exit_on_a_goroutine) {
  return weft::run([] {
    weft::go([] { std::exit(7); });
    weft::chan<int>().recv();
  });
}
WEFT_CHILD(throws_out_of_run) {
  try {
    weft::run([] {
      weft::yield();
      throw std::runtime_error("out of main");
    });
  } catch (const std::runtime_error& e) {
    std::puts(e.what());
    return 8;
  }
  return 0;
}
WEFT_CHILD(uses_weft_before_run) {
  weft::chan<int> ch;
  weft::go([ch] { ch.send(4); });
  std::printf("%d\n", *ch.recv());
  return weft::run([ch] {
    weft::go([ch] { ch.send(5); });
    return *ch.recv();
  });
}
WEFT_CHILD(waits_for_no_one) {
  static std::atomic<bool> ran{false};
  weft::run([] {
    weft::go([] {
      weft::sleep(1h);
      ran = true;
    });
  });
  std::puts("returned");
  return 0;
}

TEST(lifetime, main_may_return_while_goroutines_are_alive) {
  const auto child = run_child("exits_with_live_goroutines");
  EXPECT_EQ(child.exit_status, 3) << child;
  EXPECT_EQ(child.err, "") << child;
}

TEST(lifetime, workers_stop_before_static_destructors) {
  const auto child = run_child("exits_while_goroutines_work");
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_EQ(child.out, "workers stopped\n") << child;
}

TEST(lifetime, endless_loops_do_not_hold_the_exit) {
  const auto child = run_child("exits_beside_endless_loops");
  EXPECT_EQ(child.exit_status, 5) << child;
}

TEST(lifetime, blocked_system_calls_do_not_hold_the_exit) {
  const auto child = run_child("exits_beside_blocked_system_calls");
  EXPECT_EQ(child.exit_status, 6) << child;
}

TEST(lifetime, exit_may_be_called_on_a_goroutine) {
  const auto child = run_child("calls_exit_on_a_goroutine");
  EXPECT_EQ(child.exit_status, 7) << child;
}

TEST(lifetime, an_exception_out_of_run_reaches_the_caller_of_run) {
  const auto child = run_child("throws_out_of_run");
  EXPECT_EQ(child.exit_status, 8) << child;
  EXPECT_EQ(child.out, "out of main\n") << child;
}

TEST(lifetime, go_works_before_run_and_run_after_go) {
  const auto child = run_child("uses_weft_before_run");
  EXPECT_EQ(child.exit_status, 5) << child;
  EXPECT_EQ(child.out, "4\n") << child;
}

WEFT_CHILD(tells_what_it_received_before_main) {
  std::printf("%d\n", received_before_main);
  return weft::run([] { return 1; });
}

TEST(lifetime, static_constructors_may_use_weft) {
  const auto child = run_child("tells_what_it_received_before_main", {"USE_WEFT_BEFORE_MAIN=1"});
  EXPECT_EQ(child.exit_status, 1) << child;
  EXPECT_EQ(child.out, "41\n") << child;
}

TEST(lifetime, run_does_not_wait_for_others) {
  const auto child = run_child("waits_for_no_one");
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_EQ(child.out, "returned\n") << child;
  EXPECT_LT(child.elapsed_seconds, 20) << child;
}
