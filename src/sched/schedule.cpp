// park, ready, yield: the fast paths of the scheduler.
//
// A goroutine that parks picks its successor itself and switches straight to it; only when there is none, or it is time
// for duties, does it switch to its worker's native stack (loop.cpp). What it leaves behind is complete before the switch:
// its waiter is queued and the queue unlocked, so it may be made runnable, and even be popped by another worker, before it
// has left its stack. That worker waits for context.sp (arch/switch.h, A2).
// Checked by tests/model/park_model.cpp; the race of park_until by timers_model.cpp.
#include "sched/schedule.h"

#include <utility>

#include <sched.h>

#include "base/assert.h"
#include "sched/birth.h"
#include "sched/debug_modes.h"
#include "sched/idle.h"
#include "sched/loop.h"
#include "sched/overflow.h"
#include "sched/runtime.h"
#include "sched/seam.h"
#include "sched/thread_sleeper.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

// The exception state of the thread moves into the goroutine and back. A switch in which none is in flight pays two loads.
inline void save_exceptions(worker& w, goroutine& g) noexcept {
  exception_globals& live = *w.exceptions;
  if (live.caught == nullptr && live.uncaught == 0) [[likely]] return;
  g.exceptions = std::exchange(live, {});
  g.has_exceptions = true;
}
inline void restore_exceptions(worker& w, goroutine& g) noexcept {
  if (!g.has_exceptions) [[likely]] return;
  *w.exceptions = g.exceptions;
  g.has_exceptions = false;
}

// Leaves the calling goroutine's stack; returns when it is resumed, on whatever worker. REQUIRES: inside the runtime.
inline void switch_away(worker& w, goroutine& g) {
  if (!stack::canary_intact(g.stack)) [[unlikely]] report_overflow(g, g.stack.size());
  save_exceptions(w, g);
  runnable work;
  if (processor* p = w.held; p && !w.pinned) work = pick(*p);
  goroutine* next = nullptr;
  if (work && !work.is_newborn()) {
    next = work.as_goroutine();
    if (next == &g && !migrate_mode) {  // made runnable meanwhile, and nothing else is ahead
      restore_exceptions(w, g);
      return;
    }
    if (next->pinned_to || migrate_mode) next = nullptr;
  } else if (work && work.as_newborn()->stack_kib == 0 && w.held->stacks.size() != 0) {
    next = be_born(w, *work.as_newborn());
  }
  if (migrate_mode) g.last_worker = &w;
  void* sp = next ? arch::try_take(next->context) : nullptr;
  if (sp) [[likely]] {
    w.current = next;
    arch::switch_to(g.context, next->context, sp);
  } else {
    w.carried = work;
    w.current = nullptr;
    sp = arch::try_take(w.native);
    arch::switch_to(g.context, w.native, sp);
  }
  worker& here = *this_worker();
  bury(here);
  restore_exceptions(here, g);
}

}  // namespace

detail::sleeper* self() noexcept {
  if (goroutine* g = this_goroutine()) return g;
  return &this_thread_sleeper();
}

namespace {

// Apart, and with what they need in the goroutine: so that they cost the callers no register.
[[gnu::cold, gnu::noinline]] void tell_parks(goroutine& g) {
  g.membership->home.parks(*g.membership, g.reason.load(base::relaxed));
}
[[gnu::cold, gnu::noinline]] void ready_member(goroutine& g) {
  runtime_scope inside;
  g.membership->home.runnable_now(*g.membership, runnable(&g));
}

}  // namespace

void park(wait_reason reason, const void* object) {
  worker* w = this_worker();
  if (!w) return park_thread(reason, object);
  enter(*w);
  goroutine& g = *w->current;
  g.object.store(object, base::relaxed);
  g.since_ns.store(the.coarse_now.load(base::relaxed), base::relaxed);
  g.reason.store(reason, base::relaxed);
  trace::emit(trace::event::park, g.id, static_cast<std::uint64_t>(reason));
  if (g.membership) [[unlikely]] tell_parks(g);
  switch_away(*w, g);
  g.reason.store(wait_reason::none, base::relaxed);
  trace::emit(trace::event::resume, g.id);
  leave(*this_worker());
}

namespace {

// To the next slot: what was made runnable last runs first, while what woke it is in cache. REQUIRES: inside the runtime.
inline void enqueue_next(const runtime_scope& inside, runnable work) {
  processor* p = inside.processor();
  if (!p) return inject(work);
  const std::uintptr_t displaced = p->next.load(base::relaxed);
  // From the loop, several timers may be due: the first goes before what is queued, the others line up.
  if (displaced && !inside.get()->current) return push(*p, work);
  p->next.store(work.word(), base::relaxed);
  if (displaced) p->queue.push(runnable(displaced));
  os::light_fence();  // P3: the publisher's side
  if (the.hungry.load(base::relaxed) != 0) [[unlikely]] feed(*p);
}

}  // namespace

void ready(detail::sleeper* who) {
  if (!who->is_goroutine) return ready_thread(static_cast<thread_sleeper&>(*who));
  auto* g = static_cast<goroutine*>(who);
  trace::emit(trace::event::ready, g->id);
  if (g->membership) [[unlikely]] return ready_member(*g);
  runtime_scope inside;
  enqueue_next(inside, runnable(g));
}

void enqueue(runnable work) {
  runtime_scope inside;
  if (!work.is_newborn()) return enqueue_next(inside, work);
  if (processor* p = inside.processor()) push(*p, work);
  else inject(work);
}

void switch_out() {
  worker* w = this_worker();
  enter(*w);
  switch_away(*w, *w->current);
  leave(*this_worker());
}

void ready_all(detail::waiter* first) {
  while (first) {
    detail::waiter* next = first->next;  // before ready: the waiter dies with its sleeper
    ready(first->who);
    first = next;
  }
}

void yield() {
  worker* w = this_worker();
  if (!w) {
    ::sched_yield();
    return;
  }
  enter(*w);
  goroutine& g = *w->current;
  trace::emit(trace::event::yield, g.id);
  if (processor* p = w->held) {
    p->queue.line_up_children();
    push(*p, runnable(&g));
  } else {
    inject(runnable(&g));
  }
  switch_away(*w, g);
  leave(*this_worker());
}

[[gnu::cold, gnu::noinline]] static void reattach(worker& w) {
  enter(w);
  processor* p = take_idle();
  if (p) hold(w, p);
  leave(w);
  if (!p) yield();
}

void checkpoint() {
  worker* w = this_worker();
  if (w && w->detached.load(base::relaxed)) [[unlikely]] reattach(*w);
}

namespace {

struct deadline_timer : timer {
  deadline_timer(base::atomic<std::uint32_t>& sleep, std::uint32_t as, detail::sleeper* sleeper) noexcept
      : timer(fire_it), claim(sleep), index(as), who(sleeper) {}

  static void fire_it(timer_node* node) {
    auto& self = static_cast<deadline_timer&>(*node);
    std::uint32_t open = 0;
    if (self.claim.compare_exchange_strong(open, self.index, base::acq_rel, base::relaxed)) ready(self.who);
    else done_firing(self);
  }

  base::atomic<std::uint32_t>& claim;
  const std::uint32_t index;
  detail::sleeper* const who;
};

}  // namespace

void park_until(std::int64_t deadline_ns, base::atomic<std::uint32_t>& claim, std::uint32_t index, wait_reason reason,
                const void* object) {
  if (goroutine* g = this_goroutine()) {
    deadline_timer deadline(claim, index, g);
    start_timer(deadline, deadline_ns);
    park(reason, object);
    if (claim.load(base::acquire) != index) stop_timer(deadline);
    return;
  }
  if (park_thread_until(deadline_ns, reason, object)) return;
  std::uint32_t open = 0;
  if (claim.compare_exchange_strong(open, index, base::acq_rel, base::acquire)) return;
  park_thread(reason, object);  // somebody else won: its ready() is on the way
}

}  // namespace weft::sched

namespace weft {

namespace {

[[gnu::cold, gnu::noinline]] void yield_at_point() {
  sched::reach_point("yield", true);
  sched::yield();
}

}  // namespace

[[gnu::noinline]] void yield() {
  if (sched::exploring()) [[unlikely]] return yield_at_point();
  sched::yield();
}

}  // namespace weft
