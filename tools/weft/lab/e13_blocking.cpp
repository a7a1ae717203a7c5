// E13: a thousand calls into C that block their thread.
#include <unistd.h>
#include <weft/runtime.h>
#include <weft/semaphore.h>

#include <atomic>
#include <mutex>

#include "experiments.h"
#include "judge.h"
#include "lateness.h"

// What a C library does that knows nothing of goroutines.
extern "C" [[gnu::noinline]] int weft_lab_native_call(long milliseconds) {
  return ::usleep(static_cast<useconds_t>(milliseconds * 1000));
}

namespace weft::lab {
namespace {

constexpr long bound = 8;

// Runs all calls, and beside them a task that wakes every millisecond.
template <class Tasks, class Call>
void run(sheet& s, const Call& call) {
  const long calls = Tasks::allowed(s, s.argument("calls"));
  const long call_ms = s.argument("call-ms");
  std::atomic<bool> is_over{false};
  std::vector<double> late;
  auto others = [&](long) { late = heartbeat<Tasks>([&] { return !is_over; }); };
  auto one = [&](long) {
    call([&] { weft_lab_native_call(call_ms); });
    s.step();
  };
  s.expect(calls);
  typename Tasks::crowd beside(s), callers(s);
  beside.start(1, others);
  stopwatch all;
  callers.start(calls, one);
  callers.join();
  s.set("real_s", all.seconds());
  is_over = true;
  beside.join();
  s.set("calls", static_cast<double>(calls));
  s.set_quantiles("late", std::move(late));
}

void undeclared(sheet& s) {
  run<goroutines>(s, [](auto native) { native(); });
}
void declared(sheet& s) {
  run<goroutines>(s, [](auto native) { weft::blocking(native); });
}
void bounded(sheet& s) {
  weft::semaphore slots(bound);
  run<goroutines>(s, [&](auto native) {
    slots.acquire();
    weft::blocking(native);
    slots.release();
  });
}
void threads(sheet& s) {
  run<os_threads>(s, [](auto native) { native(); });
}

std::vector<job> plan(const arguments&) {
  return {{kind::threads, "unbounded"},       {kind::goroutines, "undeclared"}, {kind::goroutines, "declared"},
          {kind::goroutines, "bounded to 8"}, {kind::go, "unbounded"},          {kind::go, "bounded to 8"}};
}

void verdict(judge& j) {
  j.at_most("others keep running, undeclared: a millisecond is late by (p99)",
            j.figure({kind::goroutines, "undeclared"}, "late_p99_s"), 0.020, "_s");
  j.at_most("others keep running, declared", j.figure({kind::goroutines, "declared"}, "late_p99_s"), 0.020, "_s");
  j.at_most("others keep running, bounded", j.figure({kind::goroutines, "bounded to 8"}, "late_p99_s"), 0.020, "_s");
  j.at_most("threads are bounded by the semaphore", j.figure({kind::goroutines, "bounded to 8"}, "peak_threads"),
            static_cast<double>(bound + os_threads::processors() + 16), "");
}

}  // namespace

experiment e13_blocking() {
  return {.id = "e13",
          .name = "blocking",
          .title = "Blocking native calls",
          .what =
              "1,000 goroutines each call a C function that sleeps 100 ms: as it is, declared by weft::blocking, and "
              "bounded to 8 by a semaphore; threads the same. Beside them a task that wakes every millisecond.",
          .claim = "Others keep running; threads are bounded.",
          .parameters = {{"calls", "calls", 1'000, 300}, {"call-ms", "each blocks this long, in ms", 100, 50}},
          .bodies = {{kind::threads, "unbounded", &threads},
                     {kind::goroutines, "undeclared", &undeclared},
                     {kind::goroutines, "declared", &declared},
                     {kind::goroutines, "bounded to 8", &bounded}},
          .plan = &plan,
          .columns = {{"calls", "calls"},
                      {"real_s", "real"},
                      {"peak_threads", "threads"},
                      {"late_p50_s", "late p50"},
                      {"late_p99_s", "late p99"},
                      {"late_max_s", "late max"},
                      {"cpu_s", "CPU"}},
          .charts = {{chart::type::bars, "Threads in the process", {"peak_threads"}},
                     {chart::type::curve, "How late the others wake", {"late"}, "", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
