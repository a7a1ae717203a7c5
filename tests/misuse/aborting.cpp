// Misuse that aborts: each kind is a program that must die with the right message and by the right signal.
#include "support/child.h"
#include "support/crew.h"

#include <weft/weft.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <shared_mutex>
#include <stdexcept>

using support::child_result;
using support::mentions;
using support::run_child;

namespace {

struct odd_exception {};  // not a std::exception

void expect_abort(const child_result& child, const char* words) {
  EXPECT_FALSE(child.timed_out) << child;
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("weft: fatal:")) << child;
  EXPECT_THAT(child.err, mentions(words)) << child;
}

}  // namespace

// --- unlock of what is not locked ----------------------------------------------------------------

WEFT_CHILD(unlocks_an_unlocked_mutex) {
  weft::mutex m;
  m.unlock();
  return 0;
}
WEFT_CHILD(unlocks_twice_on_a_goroutine) {
  return weft::run([] {
    weft::mutex m;
    m.lock();
    m.unlock();
    m.unlock();
  });
}
WEFT_CHILD(unlocks_an_unlocked_rw_mutex) {
  weft::rw_mutex m;
  m.unlock();
  return 0;
}
WEFT_CHILD(unlocks_shared_without_reading) {
  weft::rw_mutex m;
  m.unlock_shared();
  return 0;
}
WEFT_CHILD(unlocks_shared_while_writing) {
  weft::rw_mutex m;
  m.lock();
  m.unlock_shared();
  return 0;
}

TEST(aborting, unlock_of_an_unlocked_mutex) {
  for (const char* scenario : {"unlocks_an_unlocked_mutex", "unlocks_twice_on_a_goroutine"}) {
    expect_abort(run_child(scenario), "unlock of unlocked");
  }
}

TEST(aborting, unlock_of_an_unlocked_rw_mutex) {
  for (const char* scenario :
       {"unlocks_an_unlocked_rw_mutex", "unlocks_shared_without_reading", "unlocks_shared_while_writing"}) {
    expect_abort(run_child(scenario), "unlock");
  }
}

TEST(aborting, the_dump_lists_the_goroutines) {
  const auto child = run_child("unlocks_twice_on_a_goroutine");
  EXPECT_THAT(child.err, mentions("goroutine 1")) << child;
}

// --- exceptions that leave a goroutine -----------------------------------------------------------

WEFT_CHILD(an_exception_escapes) {
  return weft::run([] {
    weft::go({.name = "thrower"}, [] { throw std::runtime_error("the text of the exception"); });
    weft::chan<int>().recv();
  });
}
WEFT_CHILD(an_odd_exception_escapes) {
  weft::go([] { throw odd_exception{}; });
  weft::sleep(std::chrono::hours(1));
  return 0;
}
WEFT_CHILD(an_exception_escapes_after_parking) {
  return weft::run([] {
    weft::wait_group wg;
    wg.go([] {
      for (int i = 0; i < 100; ++i) weft::yield();
      throw std::out_of_range("thrown after yields");
    });
    wg.wait();
  });
}
WEFT_CHILD(misuse_escapes) {
  return weft::run([] {
    weft::wait_group wg;
    wg.go([] {
      weft::chan<int> ch;
      ch.close();
      ch.send(1);
    });
    wg.wait();
  });
}

TEST(aborting, an_escaping_exception_is_shown_with_its_goroutine) {
  const auto child = run_child("an_exception_escapes");
  expect_abort(child, "the text of the exception");
  EXPECT_THAT(child.err, mentions("runtime_error")) << child;
  EXPECT_THAT(child.err, mentions("goroutine 2")) << child;
  EXPECT_THAT(child.err, mentions("thrower")) << child;
}

TEST(aborting, an_escaping_exception_of_an_odd_type_is_named) {
  expect_abort(run_child("an_odd_exception_escapes"), "odd_exception");
}

TEST(aborting, an_exception_escapes_from_a_goroutine_that_moved) {
  expect_abort(run_child("an_exception_escapes_after_parking"), "thrown after yields");
}

TEST(aborting, misuse_nobody_catches_is_an_escaping_exception) {
  expect_abort(run_child("misuse_escapes"), "send on closed channel");
}

TEST(aborting, an_escaping_exception_shows_the_stack_it_left) {
  const auto child = run_child("an_exception_escapes");
  EXPECT_THAT(child.err, testing::AnyOf(mentions("0x"), mentions("#0"), mentions("  at "))) << child;
}

WEFT_CHILD(a_text_escapes) {
  return weft::run([] {
    weft::wait_group wg;
    wg.go([] { throw "a plain text"; });
    wg.wait();
  });
}
WEFT_CHILD(terminates_on_a_goroutine) {
  return weft::run([] { std::terminate(); });
}
WEFT_CHILD(terminates_on_a_plain_thread) {
  std::set_terminate([] {
    std::fputs("the program's own handler\n", stderr);
    std::abort();
  });
  weft::run([] {});
  std::terminate();
}

TEST(aborting, an_escaping_text_is_shown) { expect_abort(run_child("a_text_escapes"), "a plain text"); }

TEST(aborting, terminate_on_a_goroutine_says_where) {
  const auto child = run_child("terminates_on_a_goroutine");
  expect_abort(child, "std::terminate called on a goroutine");
  EXPECT_THAT(child.err, mentions("goroutine 1")) << child;
}

TEST(aborting, terminate_on_a_plain_thread_is_left_to_the_programs_own_handler) {
  const auto child = run_child("terminates_on_a_plain_thread");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("the program's own handler")) << child;
}
