// park, ready, yield: by the short way (short_way.h), or by the long one, which is here.
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
#include "sched/short_way.h"
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

// Its id lies in another line of the cache than what a park and a resume touch: it is read only when somebody traces.
inline void emit_of(trace::event what, const goroutine& g, std::uint64_t b = 0) noexcept {
  if (trace::is_on()) [[unlikely]] trace::emit(what, g.id, b);
}

// Apart, so that a switch does not load what only this needs: the bounds of the stack are in another line than the rest.
[[gnu::cold, gnu::noinline]] void check_canary(const goroutine& g) {
  if (!stack::canary_intact(g.stack)) report_overflow(g, g.stack.size());
}

// Leaves the calling goroutine's stack; returns when it is resumed, on whatever worker. REQUIRES: inside the runtime.
// Always inlined: each frame between the switch and park's caller is a return that the CPU predicts for the other goroutine.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline void switch_away(worker& w, goroutine& g) {
  if (stack::uses_canaries()) [[unlikely]] check_canary(g);
  save_exceptions(w, g);
  runnable work;
  if (processor* p = w.held) {
    if (p->births.balance != 0 && g.born_into == p->births.group) p->births.hand_out(1);  // AC4
    if (!w.pinned) work = pick(w, *p);
  }
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
    leave_for(g.sanitized, next->sanitized);
    arch::switch_to(g.context, next->context, sp);
  } else {
    switch_to_loop(w, g, work);
  }
  arrive(g.sanitized);
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

WEFT_PARKS void park_the_long_way(wait_reason reason, const void* object) {
  worker* w = this_worker();
  if (!w) return park_thread(reason, object);
  enter(*w);
  goroutine& g = *w->current;
  note_parked(g, reason, object);
  emit_of(trace::event::park, g, static_cast<std::uint64_t>(reason));
  if (g.membership) [[unlikely]] tell_parks(g);
  switch_away(*w, g);
  note_resumed(g);
  leave(*this_worker());
}

WEFT_PARKS static void park_for_goroutine(worker& w, wait_reason reason, const void* object) {
  if (!park_shortly(w, reason, object)) [[unlikely]] park_the_long_way(reason, object);
}

// Leaves by tail calls, so it has no registers to save. Mostly it is newborns that are next: whoever waits often for
// others has tried park_shortly().
WEFT_LEADS_TO_PARKS void park(wait_reason reason, const void* object) {
  worker* const w = this_worker();
  processor* const p = is_usual() && w ? enter_shortly(*w) : nullptr;
  if (!p) [[unlikely]] return park_the_long_way(reason, object);
  if (p->next.load(base::relaxed) == 0 && p->queue.newborns() != 0) return park_before_newborn(*w, *p, reason, object);
  leave(*w);
  park_for_goroutine(*w, reason, object);
}

namespace {

// To the next slot: what was made runnable last runs first, while what woke it is in cache. REQUIRES: inside the runtime.
[[gnu::always_inline]] inline void enqueue_next(const runtime_scope& inside, runnable work) {
  processor* p = inside.processor();
  if (!p) return inject(work);
  const std::uintptr_t displaced = p->next.load(base::relaxed);
  // From the loop, several timers may be due: the first goes before what is queued, the others line up.
  if (displaced && !inside.get()->current) return push(*p, work);
  p->next.store(work.word(), base::relaxed);
  if (displaced) p->queue.push(runnable(displaced));
  share_if_hungry(*p);
}

[[gnu::noinline]] void ready_the_long_way(detail::sleeper* who) {
  if (!who->is_goroutine) return ready_thread(static_cast<thread_sleeper&>(*who));
  auto* g = static_cast<goroutine*>(who);
  emit_of(trace::event::ready, *g);
  if (g->membership) [[unlikely]] return ready_member(*g);
  runtime_scope inside;
  enqueue_next(inside, runnable(g));
}

}  // namespace

void share_and_leave(worker& w, processor& p) {
  share_if_hungry(p);
  leave(w);
}

// The short way calls nothing, so it has no registers to save.
void ready(detail::sleeper* who) {
  worker* const w = this_worker();
  if (!is_usual() || !w || w->inside.load(base::relaxed) != 0 || !ready_shortly(*w, who)) [[unlikely]]
    ready_the_long_way(who);
}

void ready_outside_worlds(goroutine& g) {
  if (worlds_alive.load(base::relaxed) != 0) [[unlikely]] return ready(&g);  // relaxed: as in this_world()
  emit_of(trace::event::ready, g);
  runtime_scope inside;
  enqueue_next(inside, runnable(&g));
}

void ready_here(detail::sleeper* who) {
  if (!who->is_goroutine) return ready_thread(static_cast<thread_sleeper&>(*who));
  auto* g = static_cast<goroutine*>(who);
  runtime_scope inside;
  processor* p = inside.processor();
  if (g->membership || !p) return ready(who);
  emit_of(trace::event::ready, *g);
  p->queue.push(runnable(g));
}

void enqueue(runnable work) {
  runtime_scope inside;
  if (!work.is_newborn()) return enqueue_next(inside, work);
  if (processor* p = inside.processor()) push(*p, work);
  else inject(work);
}

WEFT_SWITCHES_STACKS void switch_out() {
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

WEFT_PARKS void yield() {
  worker* w = this_worker();
  if (!w) {
    ::sched_yield();
    return;
  }
  enter(*w);
  goroutine& g = *w->current;
  emit_of(trace::event::yield, g);
  if (processor* p = w->held) {
    p->queue.line_up_children();
    push(*p, runnable(&g));
  } else {
    inject(runnable(&g));
  }
  switch_away(*w, g);
  leave(*this_worker());
}

WEFT_SWITCHES_STACKS bool yield_behind(std::uint32_t least) {
  worker* w = this_worker();
  if (!w) return false;
  enter(*w);
  goroutine& g = *w->current;
  processor* p = w->held;
  if (!p || p->queue.line_size() < least || g.membership) {
    leave(*w);
    return false;
  }
  emit_of(trace::event::yield, g);
  push(*p, runnable(&g));
  switch_away(*w, g);
  leave(*this_worker());
  return true;
}

[[gnu::cold, gnu::noinline]] static void reattach(worker& w) {
  enter(w);
  processor* p = rejoin(w);
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
      : timer(timer_kind_of<fire_it>), claim(sleep), index(as), who(sleeper) {}

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

void sleep_timer::wake(timer_node* node) {
  auto& nap = *static_cast<sleep_timer*>(node);
  goroutine& g = nap.who;
  done_firing(nap);
  const worker* const w = this_worker();
  processor* const p = is_usual() && w && !w->current ? w->held : nullptr;
  if (!p || !arch::is_set(p->next, base::relaxed) || !p->queue.push_in_room(runnable(&g))) [[unlikely]] return ready_outside_worlds(g);
  base::compiler_fence();  // P3: the publisher's side; a light fence, where there is membarrier
  if (arch::is_set(the.hungry, base::relaxed)) [[unlikely]] share_if_hungry(*p);
}

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
