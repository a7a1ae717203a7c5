// E1: ten thousand workers that sleep a little, a thousand times.
#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

template <class Tasks>
void run(sheet& s) {
  const long sleeps = s.argument("sleeps");
  // A spread start, the same in every run: Knuth's multiplicative hash of the worker's number.
  auto work = [&](long i) {
    Tasks::sleep(microseconds(static_cast<long>(static_cast<unsigned long>(i) * 2654435761UL % 200'000)));
    for (long k = 0; k < sleeps; ++k) Tasks::sleep(milliseconds(10));
    s.step();
  };
  const long tasks = Tasks::allowed(s, s.argument("tasks"));
  s.expect(tasks);
  stopwatch all;
  typename Tasks::crowd workers(s);
  const long started = workers.start(tasks, work);
  s.set("peak_threads", static_cast<double>(read_proc_status().threads));
  workers.join();
  s.set("tasks", static_cast<double>(started));
  s.set("real_s", all.seconds());
  s.set("ideal_s", 0.2 + 0.010 * static_cast<double>(sleeps));
}

std::vector<job> plan(const arguments&) {
  return {{kind::threads, ""}, {kind::pinned, ""}, {kind::goroutines, ""}, {kind::go, ""}};
}

void verdict(judge& j) {
  for (const kind who : {kind::threads, kind::goroutines})
    j.complete(std::string(kind_name(who)) + ": all workers ran", {who});
  j.at_least("threads need more CPU time than goroutines", j.ratio({kind::threads}, {kind::goroutines}, "cpu_s"), 1.5);
  j.at_least("threads spend more time in the kernel", j.ratio({kind::threads}, {kind::goroutines}, "sys_s"), 5);
  j.at_least("a thread takes three times the memory of a goroutine",
             j.ratio({kind::threads}, {kind::goroutines}, "peak_each_bytes"), 2.25);
}

}  // namespace

experiment e01_sleepers() {
  return {.id = "e1",
          .name = "sleepers",
          .title = "Ten thousand sleepers",
          .what =
              "10,000 workers; worker i sleeps (i × 2654435761 mod 200,000) µs, then 1,000 times 10 ms. As threads, "
              "as threads pinned to the cores in turn, as goroutines, in Go.",
          .claim =
              "A thread is three goroutines. Published: threads 10.35 s real, 4.96 user, 16.06 sys, 94 MB; pinned "
              "3.01 user, 9.08 sys; Go 13.30 user, 0.55 sys, 35 MB.",
          .parameters = {{"tasks", "workers", 10'000, 2'000}, {"sleeps", "sleeps of 10 ms each", 1'000, 150}},
          .bodies = {{kind::threads, "", &run<os_threads>},
                     {kind::pinned, "", &run<pinned_threads>},
                     {kind::goroutines, "", &run<goroutines>}},
          .plan = &plan,
          .columns = {{"tasks", "tasks"},
                      {"real_s", "real"},
                      {"ideal_s", "ideal"},
                      {"user_s", "user"},
                      {"sys_s", "sys"},
                      {"peak_bytes", "peak memory"},
                      {"peak_each_bytes", "each"},
                      {"peak_threads", "threads"},
                      {"voluntary", "switches"},
                      {"involuntary", "forced"}},
          .charts = {{chart::type::stacked, "CPU time", {"user_s", "sys_s"}},
                     {chart::type::bars, "Peak memory (resident pages + page tables)", {"peak_bytes"}}},
          .verdict = &verdict};
}

}  // namespace weft::lab
