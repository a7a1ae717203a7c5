// E12: counting events that many workers see: through one channel, or each for itself first.
#include <array>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

constexpr std::size_t kinds_of_event = 16;
constexpr long workers = 4;
constexpr long batch_size = 256;
using counts = std::array<long, kinds_of_event>;

std::size_t kind_of_event(long i) { return static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15 >> 60; }

// Runs the workers, each of which calls send(…) on the queue somehow, and collects until all have ended.
template <class Tasks, class Item, class Worker, class Collect>
void count_events(sheet& s, long events, const Worker& worker_events, const Collect& collect) {
  typename Tasks::template queue<Item> queue(1024);
  counts total{};
  auto worker = [&](long) { worker_events(queue, events / workers); };
  auto closer = [&](long) {
    typename Tasks::crowd all(s);
    all.start(workers, worker);
    all.join();
    queue.close();
  };
  typename Tasks::crowd supervisor(s);
  stopwatch watch;
  supervisor.start(1, closer);
  while (auto item = queue.recv()) collect(total, *item);
  supervisor.join();
  long seen = 0;
  for (const long n : total) seen += n;
  s.set("events", static_cast<double>(seen));
  s.set("event_ns", watch.ns() / static_cast<double>(seen));
}

template <class Tasks>
void one_send_each(sheet& s) {
  count_events<Tasks, std::size_t>(
      s, s.argument("events"),
      [](auto& queue, long n) {
        for (long i = 0; i < n; ++i) queue.send(kind_of_event(i));
      },
      [](counts& total, std::size_t which) { ++total[which]; });
}

// Counts by itself and sends the counts after every `period` events, and at the end.
template <class Tasks>
void partial_counts(sheet& s, long events, long period) {
  count_events<Tasks, counts>(
      s, events,
      [period](auto& queue, long n) {
        counts mine{};
        for (long i = 0; i < n; ++i) {
          ++mine[kind_of_event(i)];
          if ((i + 1) % period == 0) {
            queue.send(mine);
            mine = {};
          }
        }
        queue.send(mine);
      },
      [](counts& total, const counts& part) {
        for (std::size_t k = 0; k < kinds_of_event; ++k) total[k] += part[k];
      });
}

template <class Tasks>
void batches(sheet& s) {
  partial_counts<Tasks>(s, s.argument("events"), batch_size);
}
template <class Tasks>
void partials(sheet& s) {
  partial_counts<Tasks>(s, s.argument("events") * 10, s.argument("events") * 10);
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const char* form : {"one send per event", "batches of 256", "partial counts"}) jobs.push_back({who, form});
  }
  return jobs;
}

void verdict(judge& j) {
  const run_key each{kind::goroutines, "one send per event"};
  j.at_least("batches win", j.ratio(each, {kind::goroutines, "batches of 256"}, "event_ns"), 3);
  j.at_least("partial counts win", j.ratio(each, {kind::goroutines, "partial counts"}, "event_ns"), 3);
  j.at_least("for threads as well",
             j.ratio({kind::threads, "one send per event"}, {kind::threads, "partial counts"}, "event_ns"), 10);
}

}  // namespace

experiment e12_events() {
  return {.id = "e12",
          .name = "events",
          .title = "A channel as bottleneck",
          .what =
              "Four workers see events, one goroutine counts them: one send per event, a send per 256 events, and "
              "per-worker partial counts sent once. Threads use a queue under a mutex.",
          .claim = "Batching wins.",
          .parameters = {{"events", "events; ten times as many for partial counts", 4'000'000, 800'000}},
          .bodies = {{kind::threads, "one send per event", &one_send_each<os_threads>},
                     {kind::threads, "batches of 256", &batches<os_threads>},
                     {kind::threads, "partial counts", &partials<os_threads>},
                     {kind::goroutines, "one send per event", &one_send_each<goroutines>},
                     {kind::goroutines, "batches of 256", &batches<goroutines>},
                     {kind::goroutines, "partial counts", &partials<goroutines>}},
          .plan = &plan,
          .columns = {{"events", "events"}, {"event_ns", "per event"}, {"cpu_s", "CPU"}, {"voluntary", "switches"}},
          .charts = {{chart::type::bars, "Time per event", {"event_ns"}, "", true}},
          .verdict = &verdict,
          .best_by = "event_ns"};
}

}  // namespace weft::lab
