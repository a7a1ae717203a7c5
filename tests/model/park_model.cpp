// Park and ready: sched/goroutine.h (G1, G2), arch/switch.h (A1, A2), and the permit of plain threads (thread_sleeper.cpp).
//
//   Y1  (G2, A2) A goroutine that is made ready before it has left its stack is resumed once, here or on another worker, and
//       finds its stack as it left it. The checker watches every access to that stack: a worker that resumes it too early
//       is a data race.
//   Y2  (A1) The permit to resume is used up: the next park does not come back on the permit of the last.
//   Y3  A plain thread that parks returns once per ready, whichever comes first; with a deadline, one of the two wins and
//       the permit of a ready that comes late is still there for the park that follows.
//   Y4  Once all have returned, no thread counts as parked (the deadlock detector's count).
//   Y5  Who has made a thread ready never sees it parked in that park again, whenever it looks.
#include <gtest/gtest.h>

#include "base/pause.h"
#include "machine.h"
#include "sched/loop.h"
#include "sched/schedule.h"
#include "sched/thread_sleeper.h"

namespace {

using namespace weft;

// A place where a sleeper stands to be made ready, once for each time it stands there.
struct doorbell {
  base::spinlock lock;
  detail::sleeper* who = nullptr;

  void wait() {
    {
      base::locked hold(lock);
      who = sched::self();
    }
    sched::park(sched::wait_reason::sleep, this);
  }
  // Waits until somebody stands there: returns who it was.
  detail::sleeper* ring() {
    base::backoff spin;
    while (true) {
      detail::sleeper* found;
      {
        base::locked hold(lock);
        found = std::exchange(who, nullptr);
      }
      if (found) {
        sched::ready(found);
        return found;
      }
      spin.wait();
    }
  }
};

// Two workers: one leaves the goroutine's stack, the other makes it ready and wants to run it.
void parks_on_one_worker_and_goes_on_on_another() {
  model::machine m(2);
  doorbell bell;
  int resumed = 0;
  sched::worker& first = m.worker_on(0);
  sched::worker& second = m.worker_on(1);
  first.carried = model::goroutine_of([&] {
    int on_its_stack = 1;
    bell.wait();
    model::check(++on_its_stack == 2, "Y1: the stack is as it was left");
    ++resumed;
  });
  second.carried = model::goroutine_of([&] { bell.ring(); });
  model::parallel({model::spare(),
                   {"first", [&] { model::machine::run(first); }, true},
                   {"second", [&] { model::machine::run(second); }, true}});
  model::check(resumed == 1, "Y1: resumed once");
}

// The same stack is left and resumed twice.
void parks_twice() {
  model::machine m(1);
  doorbell bell;
  int resumed = 0;
  sched::worker& w = m.worker_on(0);
  m.processor(0).queue.push(model::goroutine_of([&] {
    for (int i = 1; i <= 2; ++i) {
      bell.wait();
      model::check(++resumed == i, "Y2: one ready, one return");
    }
  }));
  model::parallel({model::spare(),
                   {"worker", [&] { model::machine::run(w); }, true},
                   {"waker", [&] { bell.ring(); bell.ring(); }}});
  model::check(resumed == 2, "Y2: resumed twice");
}

void thread_parks() {
  doorbell bell;
  int returned = 0;
  model::parallel({{"sleeper", [&] { bell.wait(); ++returned; bell.wait(); ++returned; }},
                   {"waker", [&] { bell.ring(); bell.ring(); }}});
  model::check(returned == 2, "Y3: one return per ready");
  model::check(sched::parked_threads() == 0, "Y4: nobody counts as parked");
}

void thread_parks_once() {
  doorbell bell;
  base::atomic<bool> may_end{false};
  model::parallel({{"sleeper", [&] {
                      bell.wait();
                      base::backoff spin;
                      while (!may_end.load(base::acquire)) spin.wait();  // its sleeper lives
                    }},
                   {"waker", [&] {
                      const auto& who = static_cast<const sched::thread_sleeper&>(*bell.ring());
                      model::check(park_of(who) == sched::park_kind::none, "Y5: made ready, not parked");
                      may_end.store(true, base::release);
                    }}});
}

void thread_parks_with_deadline() {
  base::spinlock lock;
  detail::waiter_queue queue;
  base::atomic<std::uint32_t> claim{0};
  model::parallel({{"sleeper", [&] {
                      detail::waiter me{.who = sched::self(), .claim = &claim, .index = 1};
                      {
                        base::locked hold(lock);
                        queue.push_back(me);
                      }
                      sched::park_until(1'000, claim, 2, sched::wait_reason::sleep, nullptr);
                      base::locked hold(lock);
                      queue.remove(me);
                    }},
                   {"waker", [&] {
                      detail::waiter* first;
                      {
                        base::locked hold(lock);
                        first = queue.pop();
                      }
                      if (first) sched::ready(first->who);
                    }}});
  model::check(claim.load(base::relaxed) != 0, "Y3: somebody won");
  model::check(sched::parked_threads() == 0, "Y4: nobody counts as parked");
}

TEST(park, a_goroutine_is_resumed_wherever_it_is_found) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 1}, parks_on_one_worker_and_goes_on_on_another);
}
TEST(park, a_permit_to_resume_is_used_up) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 0}, parks_twice);
}
TEST(park, a_thread_returns_once_per_ready) {
  model::use_scheduler();
  model::holds({.preemptions = 3, .stale_reads = 1, .spurious = 1}, thread_parks);
}
TEST(park, a_thread_that_was_made_ready_does_not_look_parked) {
  model::use_scheduler();
  model::holds({.preemptions = 3, .stale_reads = 1, .spurious = 1}, thread_parks_once);
}
TEST(park, a_thread_and_its_deadline_agree) {
  model::use_scheduler();
  model::holds({.preemptions = 3, .stale_reads = 2, .timeouts = 1}, thread_parks_with_deadline);
}

constexpr model::bound for_mutants{.preemptions = 2, .stale_reads = 1, .timeouts = 1};

TEST(park, mutant_permit_taken_without_acquire_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("arch/switch.h", "void* sp = target.sp.load(base::acquire);"), for_mutants,
                parks_on_one_worker_and_goes_on_on_another);
}
TEST(park, mutant_permit_is_not_used_up_is_caught) {
  model::use_scheduler();
  model::caught(model::drop("arch/switch.h", "target.sp.store(nullptr, base::relaxed);"), for_mutants,
                parks_on_one_worker_and_goes_on_on_another);
}
TEST(park, mutant_ready_thread_wakes_nobody_is_caught) {
  model::use_scheduler();
  model::caught(model::drop("sched/thread_sleeper.cpp", "os::futex_wake(who.permit, 1);"), for_mutants, thread_parks);
}
TEST(park, mutant_permit_given_back_before_the_reason_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("sched/thread_sleeper.cpp", "me.permit.store(no_permit, base::release);"), for_mutants,
                thread_parks_once);
}
TEST(park, mutant_ready_thread_without_release_is_caught) {
  model::use_scheduler();
  model::caught(model::weaken("sched/thread_sleeper.cpp", "if (who.permit.exchange(permit, base::acq_rel) == counted)"),
                {.preemptions = 2, .stale_reads = 2}, [] {
                  doorbell bell;
                  int told = 0;
                  model::parallel({{"sleeper", [&] {
                                      bell.wait();
                                      model::check(told == 1, "Y3: what came before ready is seen");
                                    }},
                                   {"waker", [&] {
                                      base::backoff spin;
                                      while (true) {
                                        {
                                          base::locked hold(bell.lock);
                                          if (bell.who) break;
                                        }
                                        spin.wait();
                                      }
                                      told = 1;
                                      sched::ready(bell.who);
                                    }}});
                });
}

}  // namespace
