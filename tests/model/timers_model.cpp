// Timers started, stopped, fired and moved at once: sched/timers.h, T1 to T3, with the real wheel behind its lock.
//
//   A1  (T1) fire is called once per start, unless stop returned true: then not at all.
//   A2  (T2) Once stop has returned, fire is not running: the timer may be destroyed. Here it is, on its owner's stack, and
//       the checker reports whoever still touches it.
//   A3  A deadline and a waker race for one sleep (park_until in schedule.cpp): the claim has one winner, and the sleeper is
//       made ready once, with its timer out of every wheel.
#include <gtest/gtest.h>

#include "machine.h"
#include "sched/schedule.h"
#include "sched/timers.h"

namespace {

using namespace weft;

struct alarm_clock : sched::timer {
  explicit alarm_clock(int& count) noexcept : timer(sched::timer_kind_of<ring>), rung(count) {}
  static void ring(sched::timer_node* node) {
    auto& self = static_cast<alarm_clock&>(*node);
    ++self.rung;
    sched::done_firing(self);
  }
  int& rung;  // plain: firing and stop must be ordered
};

constexpr std::int64_t due = 1'000;

// Start, stop, start again, while others fire and move what is due.
void stop_against_fire() {
  model::machine m(1);
  model::parallel({{"owner", [] {
                      int rung = 0;
                      {
                        alarm_clock clock(rung);
                        sched::start_timer(clock, due);
                        const bool stopped = sched::stop_timer(clock);
                        model::check(rung == (stopped ? 0 : 1), "A1: fired, or stopped before");
                        sched::start_timer(clock, due);
                        const bool again = sched::stop_timer(clock);
                        model::check(rung == (stopped ? 0 : 1) + (again ? 0 : 1), "A1: once per start");
                      }
                    }},
                   {"loop", [&] { m.processor(0).timers.fire_due(due); m.processor(0).timers.fire_due(due); }}});
}

void stop_against_fire_and_move() {
  model::machine m(2);
  sched::timer_set &here = m.processor(0).timers, &there = m.processor(1).timers;
  model::parallel({{"owner", [] {
                      int rung = 0;
                      alarm_clock clock(rung);
                      sched::start_timer(clock, due);
                      const bool stopped = sched::stop_timer(clock);
                      model::check(rung == (stopped ? 0 : 1), "A1: fired, or stopped before");
                    }},
                   {"loop", [&] { here.fire_due(due); there.fire_due(due); }},
                   {"resizer", [&] { here.move_all_to(there); }}});
}

void two_firing_workers() {
  model::machine m(1);
  int rung = 0;
  alarm_clock clock(rung);
  sched::start_timer(clock, due);
  auto fire = [&] { m.processor(0).timers.fire_due(due); };
  model::parallel({{"first", fire}, {"second", fire}});
  model::check(rung == 1, "A1: fired once");
  model::check(clock.phase.load(base::relaxed) == sched::timer::state::idle, "A1: idle after it fired");
}

TEST(timers, stop_and_fire_agree) {
  model::use_scheduler();
  model::holds({.preemptions = 3, .stale_reads = 2}, stop_against_fire);
}
TEST(timers, stop_finds_a_timer_that_moves) {
  model::use_scheduler();
  model::holds({.preemptions = 2, .stale_reads = 2}, stop_against_fire_and_move);
}
TEST(timers, two_workers_fire_one_timer_once) {
  model::use_scheduler();
  model::holds({.preemptions = model::all, .stale_reads = model::all}, two_firing_workers);
}

// A goroutine parks with a deadline; a plain thread claims the sleep too. One of the two makes it ready.
void deadline_against_waker() {
  model::machine m(1);
  sched::worker& w = m.worker_on(0);
  base::spinlock lock;
  detail::waiter_queue queue;
  base::atomic<std::uint32_t> claim{0};
  int returned = 0;
  m.processor(0).queue.push(model::goroutine_of([&] {
    detail::waiter me{.who = sched::self(), .claim = &claim, .index = 1};
    {
      base::locked hold(lock);
      queue.push_back(me);
    }
    sched::park_until(due, claim, 2, sched::wait_reason::sleep, nullptr);
    base::locked hold(lock);
    queue.remove(me);
    model::check(++returned == 1, "A3: ready once");
  }));
  model::parallel({model::spare(),
                   {"worker", [&] { model::machine::run(w); }, true},
                   {"waker", [&] {
                      detail::waiter* first;
                      {
                        base::locked hold(lock);
                        first = queue.pop();
                      }
                      if (first) sched::ready(first->who);
                    }}});
  model::check(returned == 1, "A3: the sleeper is made ready");
  model::check(claim.load(base::relaxed) != 0, "A3: somebody won");
  model::check(m.processor(0).timers.next_due() == sched::wheel::never, "A3: the timer is out of the wheel");
}

TEST(timers, deadline_and_waker_agree_on_one) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 1, .timeouts = 1}, deadline_against_waker);
}

constexpr model::bound for_mutants{.preemptions = 3, .stale_reads = 2};

TEST(timers, mutant_firing_ends_without_release_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("sched/timers.h", "t.phase.store(timer::state::idle, base::release)"), for_mutants,
                stop_against_fire);
}
TEST(timers, mutant_stop_reads_phase_without_acquire_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("sched/timers.cpp", "switch (t.phase.load(base::acquire))"), for_mutants, stop_against_fire);
}
TEST(timers, mutant_lock_released_without_release_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("weft/detail/spinlock.h", "held_.store(0, release);"), for_mutants, stop_against_fire);
}

}  // namespace
