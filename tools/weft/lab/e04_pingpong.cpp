// E4: two of a kind hand a ball to each other.
#include <sys/resource.h>
#include <weft/chan.h>
#include <weft/cond.h>
#include <weft/mutex.h>

#include <condition_variable>
#include <mutex>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

// Runs `play(rounds)`, which hands over twice per round, a little for warming up and then measured.
template <class Play>
void measure_rounds(sheet& s, long rounds, Play play) {
  play(rounds / 10 + 1);
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  stopwatch all;
  play(rounds);
  const double handovers = 2.0 * static_cast<double>(rounds);
  s.set("handover_ns", all.ns() / handovers);
  ::getrusage(RUSAGE_SELF, &after);
  s.set("handovers", handovers);
  s.set("voluntary_each", static_cast<double>(after.ru_nvcsw - before.ru_nvcsw) / handovers);
  s.set("involuntary_each", static_cast<double>(after.ru_nivcsw - before.ru_nivcsw) / handovers);
}

template <class Tasks, class Mutex, class Cond>
void by_cond(sheet& s, const char* rounds_name) {
  measure_rounds(s, s.argument(rounds_name), [&](long rounds) {
    Mutex lock;
    Cond changed;
    long ball = 0;  // even: player 0 has it
    auto player = [&](long me) {
      for (long i = 0; i < rounds; ++i) {
        std::unique_lock hold(lock);
        changed.wait(hold, [&] { return ball % 2 == me; });
        ++ball;
        changed.notify_one();
      }
    };
    typename Tasks::crowd players(s);
    players.start(2, player);
    players.join();
  });
}

void threads_by_cond(sheet& s) { by_cond<os_threads, std::mutex, std::condition_variable>(s, "thread-rounds"); }

void threads_on_one_core(sheet& s) {
  stay_on_one_cpu();
  threads_by_cond(s);
}

void goroutines_by_cond(sheet& s) { by_cond<goroutines, weft::mutex, weft::cond>(s, "rounds"); }

void goroutines_by_channel(sheet& s) {
  measure_rounds(s, s.argument("rounds"), [](long rounds) {
    chan<int> there, back;
    weft::go([=] {
      for (int ball : there) back.send(ball);
      back.close();
    });
    for (long i = 0; i < rounds; ++i) {
      there.send(1);
      back.recv();
    }
    there.close();
    back.recv();
  });
}

// What the counting costs without anybody to hand over to.
void lone_loop(sheet& s) {
  std::mutex lock;
  volatile long ball = 0;
  measure_rounds(s, s.argument("rounds"), [&](long rounds) {
    for (long i = 0; i < 2 * rounds; ++i) {
      std::lock_guard hold(lock);
      ball = ball + 1;
    }
  });
}

std::vector<job> plan(const arguments&) {
  return {{kind::plain, "lone loop with a mutex"},
          {kind::threads, "cond"},
          {kind::threads, "cond, one core"},
          {kind::goroutines, "channel"},
          {kind::goroutines, "cond"},
          {kind::go, "channel"},
          {kind::go, "cond"}};
}

void verdict(judge& j) {
  j.at_least("a thread's hand-over costs microseconds", j.figure({kind::threads, "cond, one core"}, "handover_ns"),
             1'000, "_ns");
  j.at_most("a goroutine's hand-over costs nanoseconds, by channel",
            j.figure({kind::goroutines, "channel"}, "handover_ns"), 999, "_ns");
  j.at_most("a goroutine's hand-over costs nanoseconds, by mutex and cond",
            j.figure({kind::goroutines, "cond"}, "handover_ns"), 999, "_ns");
  j.at_most("goroutines hand over without the kernel: switches per hand-over",
            j.figure({kind::goroutines, "channel"}, "voluntary_each"), 0.01, "");
}

}  // namespace

experiment e04_pingpong() {
  return {.id = "e4",
          .name = "pingpong",
          .title = "Ping-pong",
          .what =
              "Two threads hand over with mutex and condition variable, wherever the kernel puts them and on one "
              "core; two goroutines by channel and by mutex and cond; a lone loop as baseline. Kernel switches "
              "counted by getrusage.",
          .claim = "A thread hand-over costs microseconds, a goroutine's nanoseconds.",
          .parameters = {{"rounds", "round trips between goroutines", 2'000'000, 500'000},
                         {"thread-rounds", "round trips between threads", 100'000, 15'000}},
          .bodies = {{kind::plain, "lone loop with a mutex", &lone_loop},
                     {kind::threads, "cond", &threads_by_cond},
                     {kind::threads, "cond, one core", &threads_on_one_core},
                     {kind::goroutines, "channel", &goroutines_by_channel},
                     {kind::goroutines, "cond", &goroutines_by_cond}},
          .plan = &plan,
          .columns = {{"handovers", "hand-overs"},
                      {"handover_ns", "each"},
                      {"voluntary_each", "switches each"},
                      {"involuntary_each", "forced each"},
                      {"cpu_s", "CPU"}},
          .charts = {{chart::type::bars, "One hand-over", {"handover_ns"}, "", true}},
          .verdict = &verdict,
          .best_by = "handover_ns"};
}

}  // namespace weft::lab
