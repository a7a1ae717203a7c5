// What makes a program dump by itself: SIGQUIT, an exception that leaves a goroutine, a deadlock, a stack overflow, a
// failed check. None may hang, whatever state the program is in.
#include "debug/dump_of.h"
#include "support/child.h"
#include "support/eventually.h"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/assert.h"
#include "sched/errand.h"

using support::run_child;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace {

[[gnu::noinline]] void serve(weft::chan<int> requests) {
  requests.recv();
  asm volatile("" : : : "memory");
}
// Another goroutine, parked in a known function, which every dump must show.
void start_bystander(weft::chan<int> ch) {
  weft::go({.name = "bystander"}, [ch] { serve(ch); });
  while (dumps::dump().find("bystander") == std::string::npos) weft::yield();
}
[[noreturn]] void wait_to_be_killed() {
  while (true) ::sleep(1);
}

void expect_bystander(const support::child_result& child) {
  EXPECT_THAT(child.err, ContainsRegex("goroutine [0-9]+ \\[chan receive, .*\\]: bystander\n")) << child;
  if (dumps::has_lines(child.err)) { EXPECT_THAT(child.err, HasSubstr("serve(weft::chan<int>)")) << child; }
}

WEFT_CHILD(gets_sigquit) {
  start_bystander(weft::chan<int>());
  ::kill(::getpid(), SIGQUIT);
  wait_to_be_killed();
}
TEST(sigquit, dumps_and_exits_with_status_2) {
  const auto child = run_child("gets_sigquit");
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("SIGQUIT: quit\n"));
  expect_bystander(child);
}

WEFT_CHILD(gets_sigquit_in_a_circle) {
  static weft::mutex a, b;
  static std::atomic<int> holding{0};
  const auto take = [](weft::mutex& mine, weft::mutex& other) {
    std::lock_guard hold(mine);
    for (++holding; holding < 2;) weft::yield();
    std::lock_guard too(other);
  };
  weft::go([=] { take(a, b); });
  weft::go([=] { take(b, a); });
  while (weft::debug::deadlocks().empty()) {}
  ::kill(::getpid(), SIGQUIT);
  wait_to_be_killed();
}
TEST(sigquit, names_circles_and_who_holds_what) {
  const auto child = run_child("gets_sigquit_in_a_circle");
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("deadlock of 2 goroutines, each waiting for the next:\n")) << child;
  EXPECT_THAT(child.err, ContainsRegex("goroutine 1 \\[mutex lock, [^\n]*\n([^\n]+\n)*\twaits for mutex 0x[0-9a-f]+, locked by goroutine 2\n")) << child;
}

// The thread that the signal interrupts holds malloc's lock, or one like it: here one that the dump itself needs.
WEFT_CHILD(gets_sigquit_in_the_allocator) {
  start_bystander(weft::chan<int>());
  std::thread([] { ::kill(::getpid(), SIGQUIT); }).detach();
  while (true) delete[] new char[100'000];
}
TEST(sigquit, finds_the_program_in_the_middle_of_anything) {
  const auto child = run_child("gets_sigquit_in_the_allocator");
  EXPECT_EQ(child.exit_status, 2) << child;
  expect_bystander(child);
}

WEFT_CHILD(has_a_handler_of_its_own) {
  static volatile sig_atomic_t seen = 0;
  std::signal(SIGQUIT, [](int) { seen = 1; });
  start_bystander(weft::chan<int>());
  ::raise(SIGQUIT);
  return seen == 1 ? 7 : 8;
}
TEST(sigquit, is_left_to_programs_that_handle_it) {
  const auto child = run_child("has_a_handler_of_its_own");
  EXPECT_EQ(child.exit_status, 7) << child;
  EXPECT_THAT(child.err, Not(HasSubstr("SIGQUIT")));
}

// What a short dump is to show of the bystander: no stack, but that it is there and waits.
void expect_short_dump(const support::child_result& child) {
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("SIGQUIT: quit, in short\n")) << child;
  EXPECT_THAT(child.err, ContainsRegex("goroutine [0-9]+ \\[chan receive, .*\\].*bystander")) << child;
}

// The monitor, who would make the dump, is at something else and never comes back.
WEFT_CHILD(gets_sigquit_while_the_monitor_is_busy) {
  start_bystander(weft::chan<int>());
  static std::atomic<bool> began{false};
  const auto for_ever = [](void*) {
    began = true;
    while (true) ::sleep(1);
  };
  if (!weft::sched::post_errand(for_ever, nullptr)) return 9;
  while (!began) weft::yield();
  ::kill(::getpid(), SIGQUIT);
  wait_to_be_killed();
}
TEST(sigquit, brings_a_short_dump_when_the_monitor_never_comes_back) { expect_short_dump(run_child("gets_sigquit_while_the_monitor_is_busy")); }

pid_t thread_named(const std::string& wanted) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
    if (name == wanted) return std::stoi(task.path().filename());
  }
  return 0;
}
// The monitor is stuck wherever it was: a debugger holds its thread. The signal's handler waits for it for two seconds.
WEFT_CHILD(gets_sigquit_while_the_monitor_stands_still) {
  start_bystander(weft::chan<int>());
  const pid_t self = ::getpid(), monitor = thread_named("weft-monitor");
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status;
    const bool is_held = ::ptrace(PTRACE_SEIZE, monitor, nullptr, nullptr) == 0 && ::ptrace(PTRACE_INTERRUPT, monitor, nullptr, nullptr) == 0 &&
                         ::waitpid(monitor, &status, __WALL) == monitor;
    ::kill(self, is_held ? SIGQUIT : SIGKILL);
    while (true) ::pause();
  }
  wait_to_be_killed();
}
TEST(sigquit, brings_a_short_dump_when_the_monitor_is_stuck) {
  const auto child = run_child("gets_sigquit_while_the_monitor_stands_still");
  if (child.signal == SIGKILL) GTEST_SKIP() << "ptrace is not allowed here";
  expect_short_dump(child);
}

// Two signals right after one another: one dump, one end.
WEFT_CHILD(gets_sigquit_twice) {
  start_bystander(weft::chan<int>());
  std::thread([&] { ::kill(::getpid(), SIGQUIT); ::kill(::getpid(), SIGQUIT); }).join();
  wait_to_be_killed();
}
TEST(sigquit, twice_ends_it_once) {
  const auto child = run_child("gets_sigquit_twice");
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("bystander")) << child;
}

[[gnu::noinline]] void throws_deep_inside(int depth) {
  if (depth == 0) throw std::runtime_error("the disk is on fire");
  throws_deep_inside(depth - 1);
  asm volatile("" : : : "memory");
}
WEFT_CHILD(throws_from_a_goroutine) {
  start_bystander(weft::chan<int>());
  weft::go({.name = "thrower"}, [] { throws_deep_inside(3); });
  wait_to_be_killed();
}
TEST(escaping_exception, dumps_where_it_was_thrown_and_all_others) {
  const auto child = run_child("throws_from_a_goroutine");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, HasSubstr("std::runtime_error: the disk is on fire"));
  EXPECT_THAT(child.err, ContainsRegex("goroutine [0-9]+ \\[running\\]: thrower\n")) << child;
  if (dumps::has_lines(child.err)) {
    EXPECT_THAT(dumps::paragraphs(child.err).front(), HasSubstr("throws_deep_inside(int)\n"));
    EXPECT_THAT(child.err, Not(HasSubstr("__cxa_throw")));
  }
  expect_bystander(child);
}

[[gnu::noinline]] int recurses(int n) {
  volatile char frame[256] = {static_cast<char>(n)};
  return frame[1] == 0 ? recurses(n + 1) + frame[0] : 0;
}
WEFT_CHILD(overflows) {
  start_bystander(weft::chan<int>());
  weft::go({.name = "recursive"}, [] { recurses(0); });
  wait_to_be_killed();
}
TEST(stack_overflow, dumps_the_recursion_and_all_others) {
  const auto child = run_child("overflows");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, HasSubstr("stack overflow in goroutine"));
  EXPECT_THAT(child.err, HasSubstr("...additional frames elided...")) << child;
  if (dumps::has_lines(child.err)) { EXPECT_THAT(dumps::paragraphs(child.err).at(1), HasSubstr("recurses(int)\n")) << child; }
  expect_bystander(child);
}

WEFT_CHILD(fails_a_check) {
  start_bystander(weft::chan<int>());
  weft::go({.name = "checker"}, [] { weft_assert(::getpid() == 0, "planted"); });
  wait_to_be_killed();
}
TEST(failed_check, dumps_with_the_frames_of_the_runtime) {
  const auto child = run_child("fails_a_check");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, HasSubstr("weft: fatal: planted"));
  if (dumps::has_lines(child.err)) { EXPECT_THAT(child.err, HasSubstr("weft::base::assertion_failed(")) << child; }
  expect_bystander(child);
}

WEFT_CHILD(deadlocks) {
  return weft::run([] {
    weft::chan<int> ch;
    start_bystander(ch);
    serve(ch);
  });
}
TEST(deadlock, dumps_all) {
  const auto child = run_child("deadlocks");
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("all goroutines are asleep - deadlock!\n"));
  EXPECT_THAT(child.err, HasSubstr("]: main\n"));
  expect_bystander(child);
}

}  // namespace
