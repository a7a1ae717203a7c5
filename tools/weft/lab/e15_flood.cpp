// E15: one handler floods the scheduler with CPU work; what do the other requests notice?
//
// Requests arrive every millisecond whether or not earlier ones are answered; latency counts from the moment a request
// was due, so a stalled server cannot hide its delay. After a tenth of the run one more request comes: it wants 100,000
// steps of CPU work, about 50 µs each, and its client gives up after 200 ms.
#include <weft/context.h>

#include <atomic>
#include <stop_token>

#include "experiments.h"
#include "judge.h"
#include "lateness.h"
#include "work.h"

namespace weft::lab {
namespace {

constexpr auto client_patience = std::chrono::milliseconds(200);

// Each step a task of its own; nobody asks whether the client is still there.
template <class Tasks>
void unbounded_handler(long steps, std::atomic<long>& steps_left) {
  for (long i = 0; i < steps; ++i) {
    const bool started = Tasks::detach([&] {
      cpu_step();
      --steps_left;
    });
    if (!started) {  // out of threads: the handler does the work itself
      cpu_step();
      --steps_left;
    }
  }
}

// As many workers as processors, which look after every step whether the client has gone, and let others run.
template <class Tasks, class Gone>
void bounded_handler(sheet& s, long steps, std::atomic<long>& steps_left, const Gone& client_gone) {
  std::atomic<long> next{0};
  auto worker = [&](long) {
    while (next++ < steps && !client_gone()) {
      cpu_step();
      Tasks::yield();
    }
  };
  typename Tasks::crowd workers(s);
  workers.start(Tasks::processors(), worker);
  workers.join();
  s.set("steps_done", static_cast<double>(std::min(next.load(), steps)));
  steps_left = 0;
}

template <class Tasks, class Handler>
void serve(sheet& s, const Handler& expensive_handler) {
  const long requests = s.argument("requests");
  std::vector<double> latency(static_cast<std::size_t>(requests));
  std::atomic<long> open{requests}, steps_left{s.argument("steps")};
  auto flood = [&](long) { expensive_handler(s.argument("steps"), steps_left); };
  typename Tasks::crowd expensive(s);
  const auto start = clock::now();
  for (long i = 0; i < requests; ++i) {
    const auto due = start + i * heartbeat_period;
    Tasks::sleep_until(due);
    if (i == requests / 10) expensive.start(1, flood);
    auto handle = [&latency, &open, due, i] {
      keep(count_primes(1'000'000, 1'000'030));  // about 5 µs
      latency[static_cast<std::size_t>(i)] = std::chrono::duration<double>(clock::now() - due).count();
      --open;
    };
    if (!Tasks::detach(handle)) handle();
  }
  const auto none_left = [](const std::atomic<long>& n) {
    while (n > 0) Tasks::sleep(heartbeat_period);
  };
  none_left(open);
  expensive.join();
  none_left(steps_left);
  s.set("real_s", std::chrono::duration<double>(clock::now() - start).count());
  s.set("requests", static_cast<double>(requests));
  s.set_quantiles("latency", std::move(latency));
}

template <class Tasks>
void unbounded(sheet& s) {
  s.set("steps_done", static_cast<double>(s.argument("steps")));
  serve<Tasks>(s, unbounded_handler<Tasks>);
}

void goroutines_bounded(sheet& s) {
  serve<goroutines>(s, [&](long steps, std::atomic<long>& left) {
    auto ctx = weft::with_timeout(weft::background(), client_patience);
    bounded_handler<goroutines>(s, steps, left, [&] { return ctx.cancelled(); });
  });
}

void threads_bounded(sheet& s) {
  serve<os_threads>(s, [&](long steps, std::atomic<long>& left) {
    const auto gone_at = clock::now() + client_patience;
    bounded_handler<os_threads>(s, steps, left, [=] { return clock::now() >= gone_at; });
  });
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const char* form : {"unbounded", "bounded"}) jobs.push_back({who, form});
  }
  return jobs;
}

void verdict(judge& j) {
  const run_key flooded{kind::goroutines, "unbounded"}, bounded{kind::goroutines, "bounded"};
  j.at_least("a flood delays the other requests (p99)", j.ratio(flooded, bounded, "latency_p99_s"), 5);
  j.at_most("bounded workers with cancellation do not (p99)", j.figure(bounded, "latency_p99_s"), 0.020, "_s");
}

}  // namespace

experiment e15_flood() {
  return {.id = "e15",
          .name = "flood",
          .title = "Flooding the scheduler",
          .what =
              "A server gets a request every millisecond. One handler spawns 100,000 CPU steps of 50 µs; or it gives "
              "them to procs() workers, which stop when its client gives up after 200 ms. Latency of the other "
              "requests.",
          .claim = "Unbounded spawning hurts everybody else; bounded workers with cancellation do not.",
          .parameters = {{"steps", "CPU steps of 50 µs", 100'000, 16'000},
                         {"requests", "other requests, one per ms", 3'000, 800}},
          .bodies = {{kind::threads, "unbounded", &unbounded<os_threads>},
                     {kind::threads, "bounded", &threads_bounded},
                     {kind::goroutines, "unbounded", &unbounded<goroutines>},
                     {kind::goroutines, "bounded", &goroutines_bounded}},
          .plan = &plan,
          .columns = {{"requests", "requests"},
                      {"latency_p50_s", "latency p50"},
                      {"latency_p99_s", "p99"},
                      {"latency_max_s", "max"},
                      {"steps_done", "steps done"},
                      {"cpu_s", "CPU"},
                      {"peak_bytes", "peak memory"},
                      {"peak_threads", "threads"}},
          .charts = {{chart::type::curve, "Latency of the other requests", {"latency"}, "", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
