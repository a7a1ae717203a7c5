// E18: one task with a real-time policy beside ordinary ones that keep every processor busy.
#include <pthread.h>
#include <weft/runtime.h>

#include <atomic>
#include <cstring>
#include <string>

#include "experiments.h"
#include "judge.h"
#include "lateness.h"
#include "work.h"

namespace weft::lab {
namespace {

constexpr int realtime_priority = 10;

// Gives the calling thread a real-time policy for a scope.
class realtime_scope {
 public:
  realtime_scope() : error_(set(SCHED_FIFO, realtime_priority)) {}
  ~realtime_scope() {
    if (error_ == 0) set(SCHED_OTHER, 0);
  }
  realtime_scope(const realtime_scope&) = delete;
  realtime_scope& operator=(const realtime_scope&) = delete;
  int error() const { return error_; }  // 0: granted

 private:
  static int set(int policy, int priority) {
    sched_param parameters{};
    parameters.sched_priority = priority;
    return ::pthread_setschedparam(::pthread_self(), policy, &parameters);
  }
  int error_;
};

template <class Tasks>
void beside_ordinary_work(sheet& s, bool wants_realtime) {
  std::atomic<bool> is_over{false};
  std::atomic<long> steps{0};
  auto ordinary = [&](long) {
    while (!is_over) {
      cpu_step();
      ++steps;
      Tasks::yield();
    }
  };
  std::vector<double> late;
  int refused = 0;
  auto punctual = [&](long) {
    const std::chrono::milliseconds duration(s.argument("ms"));
    const weft::thread_pin stay;  // on a plain thread it does nothing
    if (wants_realtime) {
      const realtime_scope priority;
      refused = priority.error();
      if (!refused) late = heartbeat_for<Tasks>(duration);
    } else {
      late = heartbeat_for<Tasks>(duration);
    }
  };
  typename Tasks::crowd crowd(s), one(s);
  crowd.start(2 * Tasks::processors(), ordinary);
  stopwatch all;
  one.start(1, punctual);
  one.join();
  s.set("steps_per_second", static_cast<double>(steps) / all.seconds());
  is_over = true;
  crowd.join();
  if (refused) {
    s.refused(std::string("SCHED_FIFO is not permitted (") + std::strerror(refused) +
              "); to allow it: CAP_SYS_NICE, or ulimit -r 99, or rtprio in /etc/security/limits.conf");
    return;
  }
  s.set("wakeups", static_cast<double>(late.size()));
  s.set_quantiles("late", std::move(late));
}

template <class Tasks>
void ordinary(sheet& s) {
  beside_ordinary_work<Tasks>(s, false);
}
template <class Tasks>
void realtime(sheet& s) {
  beside_ordinary_work<Tasks>(s, true);
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const char* form : {"ordinary", "real time"}) jobs.push_back({who, form});
  }
  return jobs;
}

void verdict(judge& j) {
  const run_key plain{kind::goroutines, "ordinary"}, fifo{kind::goroutines, "real time"};
  j.at_most("the real-time goroutine is punctual (p99)", j.figure(fifo, "late_p99_s"), 0.005, "_s");
  j.at_least("the ordinary ones go on working: speed beside it", j.ratio(fifo, plain, "steps_per_second"), 0.5);
}

}  // namespace

experiment e18_realtime() {
  return {.id = "e18",
          .name = "realtime",
          .title = "Priority and real time",
          .what =
              "A thread-pinned goroutine that wakes every millisecond, with the ordinary policy and with SCHED_FIFO "
              "(where permitted), beside two ordinary goroutines per processor that compute and yield. Threads and "
              "Go the same.",
          .claim = "Both live together.",
          .parameters = {{"ms", "run this long, in ms", 4'000, 1'000}},
          .bodies = {{kind::threads, "ordinary", &ordinary<os_threads>},
                     {kind::threads, "real time", &realtime<os_threads>},
                     {kind::goroutines, "ordinary", &ordinary<goroutines>},
                     {kind::goroutines, "real time", &realtime<goroutines>}},
          .plan = &plan,
          .columns = {{"wakeups", "wake-ups"},
                      {"late_p50_s", "late p50"},
                      {"late_p99_s", "late p99"},
                      {"late_max_s", "late max"},
                      {"steps_per_second", "others' steps/s"},
                      {"involuntary", "forced"}},
          .charts = {{chart::type::curve, "Lateness of the task that wakes every millisecond", {"late"}, "", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
