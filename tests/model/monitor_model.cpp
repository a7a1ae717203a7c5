// The monitor: sched/monitor.cpp, M1 to M4, with the real retake, the real looks, and the worker that loses its processor.
//
//   N1  (M1, M2) A goroutine that computes for ever does not keep others from running: its processor is taken, by whomever
//       and whenever its worker enters the runtime meanwhile, and another worker runs the rest.
//   N2  (M4) The monitor that sleeps for good is woken by whoever makes a processor busy: its look at the processors and its
//       sleep, against the worker's processor and its look at is_asleep.
// The first model lets time pass: each nap of the monitor ends.
#include <gtest/gtest.h>

#include "base/pause.h"
#include "machine.h"
#include "sched/loop.h"
#include "sched/monitor.h"
#include "sched/schedule.h"

namespace {

using namespace weft;

// One processor. The first goroutine waits, computing, for the second, which can run only on a processor taken from it.
void two_that_need_one_processor() {
  model::set_now(1'000'000);
  model::machine m(1);
  base::atomic<bool> second_ran{false};
  bool first_ended = false;
  sched::start_monitor();
  sched::worker& w = m.worker_on(0);
  w.carried = model::goroutine_of([&] {
    base::backoff spin;
    while (!second_ran.load(base::acquire)) spin.wait();
    sched::checkpoint();
    first_ended = true;
  });
  m.processor(0).queue.push(model::goroutine_of([&] { second_ran.store(true, base::release); }));
  model::parallel({{"monitor", model::machine::run_monitor, true},
                   {"worker", [&] { model::machine::run(w); }, true},
                   model::spare(0),
                   model::spare(1)});
  model::check(second_ran.load(base::relaxed), "N1: the second goroutine runs");
  model::check(first_ended, "N1: the first one gets a processor again");
}

// The monitor has found nothing to do and goes to sleep, while a worker becomes busy. Time stands still.
void monitor_falls_asleep() {
  model::set_now(1'000'000);
  model::machine m(1);
  sched::start_monitor();
  sched::worker& w = m.worker_on(-1);
  model::parallel({{"monitor", model::machine::run_monitor, true}, {"worker", [&] {
                      base::backoff spin;
                      sched::processor* p;
                      while (!(p = sched::take_idle())) spin.wait();  // the monitor may be at its caches
                      sched::hold(w, p);
                    }}});
  model::check(!model::sleeps_for_ever(1), "N2: the monitor naps while a processor is busy");
}

TEST(monitor, a_loop_loses_its_processor_to_who_waits) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 0, .timeouts = 1}, two_that_need_one_processor);
}
TEST(monitor, it_does_not_sleep_while_a_processor_is_busy) {
  model::use_scheduler();
  model::holds({.preemptions = 3, .stale_reads = 1}, monitor_falls_asleep);
}
TEST(monitor, mutant_sleep_without_heavy_fence_is_caught) {
  model::use_scheduler();
  model::caught(model::drop("sched/monitor.cpp", "os::heavy_fence();  // pairs with monitor_notice_work()"),
                {.preemptions = 4, .stale_reads = 2}, monitor_falls_asleep);
}

}  // namespace
