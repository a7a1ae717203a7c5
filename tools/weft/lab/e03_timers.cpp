// E3: a hundred thousand tasks that sleep 100 ms.
#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

template <class Tasks>
void run(sheet& s) {
  const long tasks = Tasks::allowed(s, s.argument("tasks"));
  auto work = [](long) { Tasks::sleep(std::chrono::milliseconds(100)); };
  long started = tasks;
  const auto round = [&] {
    stopwatch all;
    typename Tasks::crowd sleepers(s);
    started = sleepers.start(tasks, work);
    s.set("peak_threads", static_cast<double>(read_proc_status().threads));
    sleepers.join();
    return all.seconds();
  };
  s.set("first_s", round());
  s.set("again_s", round());  // with the stacks of the first round to reuse
  s.set("tasks", static_cast<double>(started));
}

std::vector<job> plan(const arguments&) { return {{kind::threads, ""}, {kind::goroutines, ""}, {kind::go, ""}}; }

void verdict(judge& j) {
  j.complete("goroutines: all of them ran", {kind::goroutines});
  j.at_most("no thread per sleeper: threads in the process", j.figure({kind::goroutines}, "peak_threads"), 64, "");
  j.at_most("elapsed near 100 ms, with warm stacks", j.figure({kind::goroutines}, "again_s"), 0.300, "_s");
}

}  // namespace

experiment e03_timers() {
  return {.id = "e3",
          .name = "timers",
          .title = "A hundred thousand timers",
          .what =
              "100,000 tasks sleep 100 ms; twice in one process, the second time with warm stacks. Threads as many "
              "as the limits allow.",
          .claim = "No thread per sleeper; elapsed near 100 ms.",
          .parameters = {{"tasks", "tasks that sleep 100 ms", 100'000, 100'000}},
          .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
          .plan = &plan,
          .columns = {{"tasks", "tasks"},
                      {"first_s", "first"},
                      {"again_s", "again"},
                      {"cpu_s", "CPU"},
                      {"peak_bytes", "peak memory"},
                      {"peak_threads", "threads"}},
          .charts = {{chart::type::bars, "Elapsed; 100 ms would be perfect", {"first_s", "again_s"}}},
          .verdict = &verdict};
}

}  // namespace weft::lab
