// E14: an endless loop on every processor, beside a task that must wake every millisecond.
#include <atomic>

#include "experiments.h"
#include "judge.h"
#include "lateness.h"

namespace weft::lab {
namespace {

template <class Tasks>
void run(sheet& s) {
  std::atomic<bool> is_over{false};
  auto endless = [&](long) {
    while (!is_over.load(std::memory_order_relaxed)) {}  // never calls into any runtime
  };
  typename Tasks::crowd loops(s);
  loops.start(Tasks::processors(), endless);
  auto late = heartbeat_for<Tasks>(std::chrono::milliseconds(s.argument("ms")));
  is_over = true;
  loops.join();
  s.set("loops", Tasks::processors());
  s.set("wakeups", static_cast<double>(late.size()));
  s.set_quantiles("late", std::move(late));
}

std::vector<job> plan(const arguments&) { return {{kind::threads, ""}, {kind::goroutines, ""}, {kind::go, ""}}; }

void verdict(judge& j) {
  j.at_most("a goroutine wakes within about 10 ms (p99)", j.figure({kind::goroutines}, "late_p99_s"), 0.010, "_s");
  j.at_most("half of the time within a millisecond (p50)", j.figure({kind::goroutines}, "late_p50_s"), 0.001, "_s");
  if (j.has({kind::go})) {
    j.at_least("Go needs tens of milliseconds (p50)", j.figure({kind::go}, "late_p50_s"), 0.010, "_s");
    j.at_least("and more than weft (p50)", j.ratio({kind::go}, {kind::goroutines}, "late_p50_s"), 2);
  }
}

}  // namespace

experiment e14_starvation() {
  return {.id = "e14",
          .name = "starvation",
          .title = "Starvation",
          .what =
              "Endless loops on every processor beside a goroutine that must wake every millisecond: how late it "
              "does. Threads and Go the same.",
          .claim = "Lateness p50, p99, max; Go's is tens of milliseconds.",
          .parameters = {{"ms", "run this long, in ms", 5'000, 1'500}},
          .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
          .plan = &plan,
          .columns = {{"loops", "loops"},
                      {"wakeups", "wake-ups"},
                      {"late_p50_s", "late p50"},
                      {"late_p99_s", "late p99"},
                      {"late_max_s", "late max"},
                      {"peak_threads", "threads"}},
          .charts = {{chart::type::curve, "Lateness of a 1 ms sleeper", {"late"}, "", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
