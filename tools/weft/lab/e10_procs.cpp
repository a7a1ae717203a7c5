// E10: the same load with one processor, two, … twice as many as there are CPUs.
#include <atomic>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"
#include "work.h"

namespace weft::lab {
namespace {

int cpus() { return os_threads::processors(); }

// CPU-bound: many short tasks. I/O-bound: many tasks that mostly wait a millisecond, as for a reply from a network.
void compute(long) { cpu_step(); }
constexpr auto waiting_ns = std::chrono::milliseconds(1);

// The best of three: what others do on the machine only ever slows a round down.
template <class Round>
void measure_rate(sheet& s, long tasks, const Round& round) {
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    stopwatch watch;
    round();
    best = std::max(best, static_cast<double>(tasks) / watch.seconds());
  }
  s.set("tasks_per_second", best);
}

// Threads are a pool of `procs`: that is what a program sizes when it has no goroutines.
template <class Work>
void pool_of_threads(sheet& s, long tasks, const Work& work) {
  measure_rate(s, tasks, [&] {
    std::atomic<long> next{0};
    auto worker = [&](long) {
      for (long i; (i = next++) < tasks;) work(i);
    };
    thread_crowd pool(s);
    pool.start(s.argument("procs"), worker);
    pool.join();
  });
}

void threads_cpu(sheet& s) { pool_of_threads(s, s.argument("cpu-tasks"), compute); }
void threads_io(sheet& s) {
  pool_of_threads(s, s.argument("io-tasks") / 50 * s.argument("procs"), [](long) { os_threads::sleep(waiting_ns); });
}

void goroutines_cpu(sheet& s) {
  const long tasks = s.argument("cpu-tasks");
  measure_rate(s, tasks, [&] {
    goroutine_crowd all(s);
    all.start(tasks, compute);
    all.join();
  });
}

void goroutines_io(sheet& s) {
  constexpr long waits = 50;
  const long tasks = s.argument("io-tasks");
  auto wait_often = [](long) {
    for (long i = 0; i < waits; ++i) goroutines::sleep(waiting_ns);
  };
  measure_rate(s, tasks / waits * waits, [&] {
    goroutine_crowd all(s);
    all.start(tasks / waits, wait_often);
    all.join();
  });
}

// 1, 2, 3 … on small machines, powers of two on large ones; always the CPUs and twice the CPUs.
std::vector<long> sweep() {
  std::vector<long> procs;
  const long most = 2L * cpus();
  for (long p = 1; p < most; p = p < 4 ? p + 1 : p * 2) {
    if (p > cpus() && procs.back() < cpus()) procs.push_back(cpus());
    procs.push_back(p);
  }
  procs.push_back(most);
  return procs;
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const char* load : {"CPU-bound", "I/O-bound"}) {
    for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
      for (const long p : sweep()) jobs.push_back({who, load, {{"procs", p}}});
    }
  }
  return jobs;
}

void verdict(judge& j) {
  const auto speed = [&](const char* load, long procs) {
    return j.figure({kind::goroutines, load, {{"procs", procs}}}, "tasks_per_second");
  };
  const long n = cpus();
  if (n > 1)
    j.at_least("CPU-bound: as many processors as CPUs help", judge::ratio(speed("CPU-bound", n), speed("CPU-bound", 1)),
               0.7 * static_cast<double>(n));
  j.at_most("CPU-bound: more than that do not", judge::ratio(speed("CPU-bound", 2 * n), speed("CPU-bound", n)), 1.2);
  j.at_most("I/O-bound: one is nearly enough", judge::ratio(speed("I/O-bound", 2 * n), speed("I/O-bound", 1)), 1.5);
}

}  // namespace

experiment e10_procs() {
  return {
      .id = "e10",
      .name = "procs",
      .title = "Sweep of the processors",
      .what =
          "CPU-bound tasks of 50 µs and I/O-bound tasks that wait 1 ms, at procs = 1 … 2 × CPUs, the best of three "
          "rounds. A goroutine per task (I/O: per 50 tasks), against a pool of as many threads.",
      .claim =
          "Raising GOMAXPROCS stops helping at the number of CPUs, and for I/O it hardly matters; a thread pool is "
          "as fast as it is large.",
      .parameters = {{"cpu-tasks", "CPU-bound tasks", 10'000, 2'000}, {"io-tasks", "I/O-bound tasks", 50'000, 10'000}},
      .bodies = {{kind::threads, "CPU-bound", &threads_cpu},
                 {kind::threads, "I/O-bound", &threads_io},
                 {kind::goroutines, "CPU-bound", &goroutines_cpu},
                 {kind::goroutines, "I/O-bound", &goroutines_io}},
      .plan = &plan,
      .columns = {{"procs", "procs"}, {"tasks_per_second", "tasks/s"}, {"cpu_s", "CPU"}, {"voluntary", "switches"}},
      .charts = {{chart::type::lines, "Tasks per second", {"tasks_per_second"}, "procs", true}},
      .verdict = &verdict};
}

}  // namespace weft::lab
