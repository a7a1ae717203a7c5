// E2: a million tasks that sleep one second.
#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

template <class Tasks>
void run(sheet& s) {
  const long tasks = Tasks::allowed(s, s.argument("tasks"));
  s.expect(tasks);
  auto work = [&](long) {
    Tasks::sleep(std::chrono::seconds(1));
    s.step();
  };
  stopwatch all;
  typename Tasks::crowd sleepers(s);
  const long started = sleepers.start(tasks, work);
  s.set("peak_threads", static_cast<double>(read_proc_status().threads));
  sleepers.join();
  s.set("tasks", static_cast<double>(started));
  s.set("real_s", all.seconds());
  s.set("each_ns", (all.ns() - 1e9) / static_cast<double>(started));  // all sleep during the same second
}

std::vector<job> plan(const arguments&) { return {{kind::threads, ""}, {kind::goroutines, ""}, {kind::go, ""}}; }

void verdict(judge& j) {
  j.complete("goroutines: all of them ran", {kind::goroutines});
  j.complete("threads: as many as goroutines", {kind::threads});
  const auto per_task = [&](kind who, const char* figure) {
    return j.ratio(j.figure({who}, figure), j.figure({who}, "tasks"));
  };
  j.at_least("a thread takes more memory than a goroutine",
             j.ratio({kind::threads}, {kind::goroutines}, "peak_each_bytes"), 2);
  j.at_least("a thread takes more CPU time than a goroutine",
             judge::ratio(per_task(kind::threads, "cpu_s"), per_task(kind::goroutines, "cpu_s")), 3);
  j.at_least("and longer", j.ratio({kind::threads}, {kind::goroutines}, "each_ns"), 3);
}

}  // namespace

experiment e02_million() {
  return {
      .id = "e2",
      .name = "million",
      .title = "A million",
      .what = "1,000,000 tasks each sleep 1 s; join all. Threads as many as the limits allow.",
      .claim =
          "A million goroutines are ordinary, a million threads are not. Published: threads 38.6 s, 80 s sys, 8.5 GB "
          "(8 KB each); Go 2.44 s, 2.1 GB (2 KB each).",
      .parameters = {{"tasks", "tasks that sleep a second", 1'000'000, 100'000}},
      .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
      .plan = &plan,
      .columns = {{"tasks", "tasks"},
                  {"real_s", "real"},
                  {"each_ns", "beyond 1 s, each"},
                  {"user_s", "user"},
                  {"sys_s", "sys"},
                  {"peak_bytes", "peak memory"},
                  {"peak_each_bytes", "each"},
                  {"peak_threads", "threads"}},
      .charts = {{chart::type::bars, "Elapsed time per task, beyond the second that all sleep", {"each_ns"}, "", true},
                 {chart::type::bars, "Memory per task", {"peak_each_bytes"}}},
      .verdict = &verdict};
}

}  // namespace weft::lab
