// Testing concurrent programs: virtual time, explored schedules, leaked goroutines. docs/testing.md teaches it.
//
//   TEST(cache, entries_expire) {
//     weft::testing::bubble([] {                       // time is virtual in here: no real waiting
//       cache c({.ttl = 1h});
//       c.put("k", "v");
//       weft::sleep(59min);
//       EXPECT_TRUE(c.get("k"));
//       weft::sleep(2min);
//       weft::testing::settle();                       // the cache's own goroutines have done their part
//       EXPECT_FALSE(c.get("k"));
//     });
//   }
//   TEST(account, transfers_lose_nothing) {
//     weft::testing::explore({.schedules = 1000}, [] {  // every run in another order; a failure names its seed
//       account a(100), b(0);
//       weft::wait_group wg;
//       wg.go([&] { transfer(a, b, 10); });
//       wg.go([&] { transfer(a, b, 20); });
//       wg.wait();
//       EXPECT_EQ(a.balance() + b.balance(), 100);
//     });
//   }
//   int main(int argc, char** argv) { return weft::testing::main(argc, argv); }   // GoogleTest, and no test leaks
//
// Works with any test framework. With GoogleTest, include <gtest/gtest.h> before this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <weft/clock.h>
#include <weft/detail/virtual_clock.h>
#include <weft/error.h>

namespace weft::testing {

// What bubble and explore throw; what() is the whole report, many lines.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace impl {

void run_bubble(void (*call)(void*), void* function);  // reports name its caller's address

template <class F>
void call(void* pointer_to_function) {
  static_cast<void>((**static_cast<F**>(pointer_to_function))());
}

}  // namespace impl

// --- virtual time --------------------------------------------------------------------------------

// Runs f on a goroutine and blocks until it and all goroutines started by it, directly or not, have ended. They live in
// virtual time: weft::clock::now() and all sleeps, timers, tickers, timeouts and deadlines of weft, and system_clock::now().
// The clock starts at a fixed date and moves only when every goroutine of the bubble is durably blocked, straight to the
// earliest timer. Once f has returned it stands still. Callable from any thread or goroutine outside of bubbles.
//
// Durably blocked: in a channel operation, select, sleep, wait of any class of <weft/sync.h>, task_group::wait, weft::run.
// Not: in network or file I/O, weft::blocking, a testing::outside scope, or anything that blocks the thread.
//
// An exception of f is rethrown. Throws `failure` when nothing can happen any more although goroutines are left, with each
// one's wait and origin, and when an exception left another goroutine. The goroutines left are abandoned: they never run
// again and are not unwound. Throws misuse inside a bubble or an exploration.
template <class F>
  requires std::is_invocable_v<F&>
[[gnu::always_inline]] inline void bubble(F&& f) {
  auto* function = std::addressof(f);
  impl::run_bubble(impl::call<std::remove_reference_t<F>>, &function);
}

// Blocks until all other goroutines of the caller's bubble are durably blocked; the clock does not move meanwhile. Throws
// misuse outside of bubbles and explorations, and when another goroutine of the bubble is in settle already.
void settle();

// While one lives, its goroutine may wait for somebody outside the bubble, such as a thread or a server: time stands still,
// and no deadlock is reported. Throws misuse outside of bubbles and explorations.
class [[nodiscard]] outside {
 public:
  outside();
  ~outside();
  outside(const outside&) = delete;
  outside& operator=(const outside&) = delete;
};

// --- explored schedules --------------------------------------------------------------------------

enum class strategy : std::uint8_t {
  mixed,   // random and pct in turns
  random,  // every choice uniform
  pct,     // random priorities with depth - 1 random changes: Burckhardt et al., ASPLOS 2010
};

struct explore_options {
  std::size_t schedules = 1000;
  std::uint64_t seed = 1;
  testing::strategy strategy = testing::strategy::mixed;
  int depth = 3;                        // pct: how many orderings a bug may need to come together
  std::size_t max_steps = 100'000;      // of one schedule; more is a livelock
  clock::duration time_limit = std::chrono::seconds(30);  // real time for one schedule; a replay has any
  std::string* trace = nullptr;         // gets the decisions of the last schedule
};

struct explored {
  std::size_t schedules = 0;
  std::size_t steps = 0;  // of all schedules
};

// What explore throws. what() has the failure, the goroutines, the last decisions, and how to replay it.
class schedule_failure : public failure {
 public:
  schedule_failure(std::string report, std::string seed, std::size_t schedule, std::string trace, std::exception_ptr cause)
      : failure(std::move(report)),
        parts_(std::make_shared<const parts>(parts{std::move(seed), schedule, std::move(trace), std::move(cause)})) {}

  const std::string& seed() const noexcept { return parts_->seed; }        // for WEFT_SEED
  std::size_t schedule() const noexcept { return parts_->schedule; }       // the how manieth failed, from 1
  const std::string& trace() const noexcept { return parts_->trace; }      // every decision, the same on each replay
  const std::exception_ptr& cause() const noexcept { return parts_->cause; }  // the exception that left a goroutine, or null

 private:
  struct parts {
    std::string seed;
    std::size_t schedule;
    std::string trace;
    std::exception_ptr cause;
  };
  std::shared_ptr<const parts> parts_;  // an exception is copied without throwing
};

namespace impl {

explored run_explore(const explore_options& options, void (*call)(void*), void* function);  // as run_bubble
void set_failure_count(std::size_t (*count)()) noexcept;

}  // namespace impl

// Calls f up to options.schedules times, each time as bubble() does, but with one goroutine running at a time and a
// seeded strategy deciding which: at every operation of weft (channels, select, <weft/sync.h>, timers, go, yield, contexts,
// point()) another goroutine may go first. f builds what it tests anew each time. Virtual time, select's choices and
// goroutine ids (1, 2, ... in the order of go) follow from the seed too; what f takes from elsewhere (addresses, threads,
// files, std::random_device) does not.
//
// A schedule fails when an exception leaves f or a goroutine, when all are blocked for good, when goroutines are left once
// f has returned, after max_steps or time_limit, and when an expectation of the test framework fails in it (GoogleTest, if
// <gtest/gtest.h> was included first; others: install_failure_count). The first failure stops the exploration, prints its
// seed on stderr and throws schedule_failure; its goroutines are abandoned as bubble's are. If the process dies in a
// schedule the seed is printed too. With WEFT_SEED=<seed> in the environment only that schedule runs, with the same
// decisions, and WEFT_SEED_TRACE=<file> writes them down.
//
// Allowed inside: weft::blocking and thread_pin, which keep their goroutine's turn and change no choice; I/O, which makes a
// replay as exact as the world outside is. Throws misuse inside a bubble or an exploration.
template <class F>
  requires std::is_invocable_v<F&>
[[gnu::always_inline]] inline explored explore(const explore_options& options, F&& f) {
  auto* function = std::addressof(f);
  return impl::run_explore(options, impl::call<std::remove_reference_t<F>>, &function);
}

// A place of your own where another goroutine may go first, such as between a read and a write of plain memory. Free of
// cost outside of explorations, but for a branch.
void point();

// For test frameworks other than GoogleTest: how many expectations have failed in this process. Called between schedules.
inline void install_failure_count(std::size_t (*count)()) noexcept { impl::set_failure_count(count); }

// --- leaked goroutines ---------------------------------------------------------------------------

// Fails at the end of its scope if goroutines started within it, by anybody, are still alive then and after a grace, with
// where each was started and what it waits for. Those of bubbles and explorations are left to them.
//
//   { weft::testing::leak_check no_leaks; server s; s.start(); s.stop(); }
class [[nodiscard]] leak_check {
 public:
  explicit leak_check(clock::duration grace = std::chrono::seconds(1));
  ~leak_check();  // calls the leak handler, unless leaks() was called, or an exception is on its way through the scope
  leak_check(const leak_check&) = delete;
  leak_check& operator=(const leak_check&) = delete;

  // Blocks until all have ended, for the grace at most; for up to ten seconds while none of them is found and some goroutine
  // of the process has yet to begin. The report on those that have not; empty: none. Ends the check.
  std::string leaks();

 private:
  struct snapshot;
  std::unique_ptr<snapshot> start_;
};

// What ~leak_check does with the report. Null, the default: prints it on stderr and aborts. Where GoogleTest is used: adds a
// failure to the current test. Returns the handler before.
using leak_handler = void (*)(const std::string& report);
leak_handler set_leak_handler(leak_handler handler) noexcept;

// Goroutines of this name (go_options::name) are never leaks: for those that are meant to live for ever.
void ignore_leaks_of(std::string name);

}  // namespace weft::testing

#if defined(GOOGLETEST_INCLUDE_GTEST_GTEST_H_) || defined(GTEST_INCLUDE_GTEST_GTEST_H_)
#include <weft/detail/testing_gtest.h>
#endif
