// E11: CPU work cut very small: a goroutine for each number, or a few workers.
#include <atomic>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"
#include "work.h"

namespace weft::lab {
namespace {

void finish(sheet& s, long numbers, const std::atomic<long>& primes, const stopwatch& watch) {
  s.set("numbers", static_cast<double>(numbers));
  s.set("primes", static_cast<double>(primes));
  s.set("real_s", watch.seconds());
  s.set("number_ns", watch.ns() / static_cast<double>(numbers));
}

template <class Tasks>
void one_each(sheet& s, const char* size) {
  const long numbers = Tasks::allowed(s, s.argument(size));
  std::atomic<long> primes{0};
  auto work = [&](long n) {
    if (is_prime(n)) ++primes;
  };
  typename Tasks::crowd all(s);
  stopwatch watch;
  const long started = all.start(numbers, work);
  all.join();
  finish(s, started, primes, watch);
}

// As many workers as processors; the queue carries the first of `batch` numbers.
template <class Tasks>
void workers(sheet& s, long batch) {
  const long numbers = s.argument("numbers");
  typename Tasks::template queue<long> queue(1024);
  std::atomic<long> primes{0};
  auto worker = [&](long) {
    long mine = 0;
    while (auto first = queue.recv()) mine += count_primes(*first, std::min(*first + batch, numbers));
    primes += mine;
  };
  typename Tasks::crowd all(s);
  stopwatch watch;
  all.start(Tasks::processors(), worker);
  for (long n = 0; n < numbers; n += batch) queue.send(n);
  queue.close();
  all.join();
  finish(s, numbers, primes, watch);
}

constexpr long batch = 1'000;

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const char* form : {"one per number", "workers", "workers, batches"}) jobs.push_back({who, form});
  }
  return jobs;
}

void verdict(judge& j) {
  const run_key each{kind::goroutines, "one per number"};
  // By CPU time: elapsed time says less on a machine that others use.
  j.at_least("workers fed number by number need less CPU time than a goroutine per number",
             j.ratio(each, {kind::goroutines, "workers"}, "cpu_s"), 1);
  j.at_least("workers fed in batches need much less", j.ratio(each, {kind::goroutines, "workers, batches"}, "cpu_s"),
             1.3);
  j.at_least("and take less memory", j.ratio(each, {kind::goroutines, "workers"}, "peak_bytes"), 1);
}

}  // namespace

experiment e11_primes() {
  return {
      .id = "e11",
      .name = "primes",
      .title = "Too many runnable",
      .what =
          "Counting primes: one goroutine per number against procs() workers fed by a channel, number by number and "
          "in batches of 1,000. Threads with a queue; one thread per number for fewer numbers.",
      .claim = "Bounded wins for CPU work.",
      .parameters = {{"numbers", "numbers to test", 2'000'000, 300'000},
                     {"thread-numbers", "numbers to test with a thread each", 20'000, 5'000}},
      .bodies = {{kind::threads, "one per number", [](sheet& s) { one_each<os_threads>(s, "thread-numbers"); }},
                 {kind::threads, "workers", [](sheet& s) { workers<os_threads>(s, 1); }},
                 {kind::threads, "workers, batches", [](sheet& s) { workers<os_threads>(s, batch); }},
                 {kind::goroutines, "one per number", [](sheet& s) { one_each<goroutines>(s, "numbers"); }},
                 {kind::goroutines, "workers", [](sheet& s) { workers<goroutines>(s, 1); }},
                 {kind::goroutines, "workers, batches", [](sheet& s) { workers<goroutines>(s, batch); }}},
      .plan = &plan,
      .columns = {{"numbers", "numbers"},
                  {"primes", "primes"},
                  {"real_s", "real"},
                  {"number_ns", "per number"},
                  {"cpu_s", "CPU"},
                  {"peak_bytes", "peak memory"}},
      .charts = {{chart::type::bars, "Time per number", {"number_ns"}, "", true},
                 {chart::type::bars, "Peak memory", {"peak_bytes"}}},
      .verdict = &verdict,
      .best_by = "number_ns"};
}

}  // namespace weft::lab
