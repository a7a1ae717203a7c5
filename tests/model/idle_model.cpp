// Falling asleep and being woken: sched/idle.h, P1 to P5, with the real loop, queues, timers and fallback poller.
//
//   I1  (P3) Work that was published while a processor is idle, or its worker is on the way there, is run: by whoever
//       publishes from inside a goroutine and goes on computing, by a plain thread that injects, or by a timer.
//   I2  (P4) A timer that was armed fires, although everybody was about to sleep: a watcher sleeps no longer than until it.
//   I3  (P1, P2) Once all is quiet, each processor is in the idle list or held by one worker, nobody counts as searching,
//       and `hungry` is the number of idle processors.
//   I4  (watch.h, G2) Where timers are gathered one is no more than gather_ns late.
// Everybody may sleep here, so a lost wake-up shows as work that has not been run when nothing moves any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include <weft/detail/newborn.h>

#include "base/pause.h"
#include "machine.h"
#include "sched/loop.h"
#include "sched/schedule.h"
#include "sched/timers.h"

namespace {

using namespace weft;
using sched::the;

void check_quiet(int procs) {
  int idle = 0, held = 0;
  for (sched::processor* p = the.idle_list; p; p = p->next_idle) ++idle;
  for (int i = 0; i < procs; ++i)
    held += the.processors[i].load(base::relaxed)->holder.load(base::relaxed) != nullptr;
  model::check(idle + held == procs, "I3: a processor is idle or held");
  model::check(the.idle_processors.load(base::relaxed) == static_cast<std::uint32_t>(idle), "I3: the idle list's length");
  model::check(the.searching.load(base::relaxed) == 0, "I3: nobody searches");
  model::check(the.hungry.load(base::relaxed) == static_cast<std::uint32_t>(idle), "I3: hungry counts the idle processors");
}

// A goroutine makes another and computes on, without coming back to the runtime, until that one has run: which only the
// second worker can do, who is falling asleep.
void busy_publisher() {
  model::machine m(2);
  base::atomic<bool> child_ran{false};
  sched::worker& busy = m.worker_on(0);
  sched::worker& sleepy = m.worker_on(1);
  m.processor(0).queue.push(model::goroutine_of([&] {
    detail::spawn(detail::make_newborn([&] { child_ran.store(true, base::release); }));
    base::backoff spin;
    while (!child_ran.load(base::acquire)) spin.wait();
  }));
  model::parallel({model::spare(),
                   {"busy", [&] { model::machine::run(busy); }, true},
                   {"sleepy", [&] { model::machine::run(sleepy); }, true}});
  model::check(child_ran.load(base::relaxed), "I1: the child runs");
  check_quiet(2);
}

// A plain thread injects while the only worker falls asleep.
void injector() {
  model::machine m(1);
  base::atomic<int> ran{0};
  sched::worker& sleepy = m.worker_on(0);
  auto inject = [&] { sched::inject(model::goroutine_of([&] { ran.fetch_add(1, base::relaxed); })); };
  model::parallel({model::spare(),
                   {"sleepy", [&] { model::machine::run(sleepy); }, true},
                   {"plain", [&] { inject(); inject(); }}});
  model::check(ran.load(base::relaxed) == 2, "I1: what was injected runs");
  check_quiet(1);
}

// Two workers fall asleep, one of them as the watcher.
void injector_and_two_workers() {
  model::machine m(2);
  base::atomic<int> ran{0};
  sched::worker& first = m.worker_on(0);
  sched::worker& second = m.worker_on(1);
  model::parallel({model::spare(), {"first", [&] { model::machine::run(first); }, true},
                   {"second", [&] { model::machine::run(second); }, true},
                   {"plain", [&] { sched::inject(model::goroutine_of([&] { ran.fetch_add(1, base::relaxed); })); }}});
  model::check(ran.load(base::relaxed) == 1, "I1: what was injected runs");
  check_quiet(2);
}

struct alarm_clock : sched::timer {
  alarm_clock() noexcept : timer(sched::timer_kind_of<ring>) {}
  static void ring(sched::timer_node* node) {
    static_cast<alarm_clock*>(node)->rung.fetch_add(1, base::relaxed);
    static_cast<alarm_clock*>(node)->rung_at.store(model::now_ns(), base::relaxed);
    if (auto& then = static_cast<alarm_clock*>(node)->then) sched::inject(model::goroutine_of(then));
    sched::done_firing(*static_cast<alarm_clock*>(node));
  }
  base::atomic<int> rung{0};
  base::atomic<std::int64_t> rung_at{0};
  std::function<void()> then;
};

// A plain thread arms a timer, then an earlier one, while the worker becomes the watcher.
void timers_and_a_watcher() {
  model::machine m(1);
  alarm_clock late, early;
  sched::worker& sleepy = m.worker_on(0);
  model::parallel({model::spare(), {"sleepy", [&] { model::machine::run(sleepy); }, true},
                   {"plain", [&] {
                      sched::start_timer(late, 2'000'000);
                      sched::start_timer(early, 1'000'000);
                    }}});
  model::check(early.rung.load(base::relaxed) == 1 && late.rung.load(base::relaxed) == 1, "I2: both timers fire");
  check_quiet(1);
}

// The watcher gathers, with nothing due for longer than it has to, and a plain thread arms an earlier timer.
void timers_and_a_gathering_watcher() {
  constexpr std::int64_t soon = 100'000, later = 900'000;
  model::machine m(1);
  alarm_clock late, early;
  base::atomic<std::int64_t> armed_at{0};
  the.timer_density.is_dense.store(true, base::relaxed);
  m.processor(0).timers.arm(late, later);
  sched::worker& sleepy = m.worker_on(0);
  model::parallel({model::spare(), {"sleepy", [&] { model::machine::run(sleepy); }, true},
                   {"plain", [&] {
                      sched::start_timer(early, soon);
                      armed_at.store(model::now_ns(), base::relaxed);
                    }}});
  model::check(early.rung.load(base::relaxed) == 1 && late.rung.load(base::relaxed) == 1, "I2: both timers fire");
  const std::int64_t from = std::max(soon, armed_at.load(base::relaxed));
  model::check(early.rung_at.load(base::relaxed) <= from + sched::gather_ns, "I4: the early one is not later than gathered");
  model::check(late.rung_at.load(base::relaxed) <= later + sched::gather_ns, "I4: nor is the other");
  check_quiet(1);
}

// Turns are short, so that who fires a timer wakes nobody to watch in his place: its goroutine arms another, and so does a
// plain thread.
void timers_and_an_owed_watcher() {
  model::machine m(2);
  alarm_clock first, second, third;
  base::atomic<int> ran{0};
  for (int i = 0; i < 2; ++i) m.processor(i).pace.decision_ns = 1;
  first.then = [&] {
    sched::start_timer(second, 3'000'000);
    ran.fetch_add(1, base::relaxed);
  };
  m.processor(0).timers.arm(first, 1'000'000);
  sched::worker& one = m.worker_on(0);
  sched::worker& other = m.worker_on(1);
  model::parallel({model::spare(), {"one", [&] { model::machine::run(one); }, true},
                   {"other", [&] { model::machine::run(other); }, true},
                   {"plain", [&] { sched::start_timer(third, 2'000'000); }}});
  model::check(ran.load(base::relaxed) == 1, "I1: what the timer made ready runs");
  model::check(second.rung.load(base::relaxed) == 1 && third.rung.load(base::relaxed) == 1, "I2: both timers fire");
  check_quiet(2);
}

TEST(idle, work_made_by_a_busy_goroutine_is_run_by_the_other_worker) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 1, .timeouts = 1}, busy_publisher);
}
TEST(idle, injected_work_is_run) {
  model::use_scheduler();
  model::holds({.preemptions = 2, .stale_reads = 1}, injector);
}
TEST(idle, injected_work_is_run_by_one_of_two) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 1}, injector_and_two_workers);
}
TEST(idle, an_armed_timer_fires) {
  model::use_scheduler();
  model::holds({.preemptions = 2, .stale_reads = 0, .timeouts = 2}, timers_and_a_watcher);
}
TEST(idle, a_gathered_timer_fires_in_time) {
  model::use_scheduler();
  model::holds({.preemptions = 2, .stale_reads = 0, .timeouts = 1}, timers_and_a_gathering_watcher);
}

TEST(idle, timers_fire_although_a_watcher_is_owed) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 0, .timeouts = 1}, timers_and_an_owed_watcher);
}

constexpr model::bound for_mutants{.preemptions = 2, .stale_reads = 1, .timeouts = 2};

TEST(idle, mutant_sleeper_without_heavy_fence_is_caught) {
  model::use_scheduler();
  model::caught(model::drop("sched/idle.cpp", "os::heavy_fence();  // P3: what was published before"), for_mutants,
                busy_publisher);
}
TEST(idle, mutant_nobody_wakes_the_sleeper_is_caught) {
  model::use_scheduler();
  model::caught(model::drop("sched/idle.cpp", "os::futex_wake(w.wake_word, 1);"), for_mutants, injector_and_two_workers);
}
TEST(idle, mutant_mail_is_read_without_acquire_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("sched/idle.cpp", "while (w.wake_word.load(base::acquire) == 0) os::futex_wait"), for_mutants,
                injector_and_two_workers);
}

}  // namespace
