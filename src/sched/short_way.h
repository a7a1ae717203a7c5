// The short way through the scheduler: parks, wake-ups and yields where nothing is out of the ordinary, inlined where they are
// wanted. The long way (schedule.cpp) can do all that this can.
//
//   SW1  It does what the long way would do, or nothing: every test comes before the first change, and whoever fails one
//        takes the long way from its beginning. What is rarely on for anybody is one test for all of it (base/unusual.h);
//        what is left are those that may differ from one call to the next.
//   SW2  Who leaves by it has no exceptions in flight, so those of his thread are as whoever is resumed there wants them, and
//        he has nothing to restore himself, whoever resumes him and by whatever way.
//
// Most of a park, a wake-up and a yield were questions with the usual answer, and what a function saves that may call others in
// its middle: a yield took 184 instructions and takes 90 (bench/counts).
// Refused: one flag per worker for its own unusual things (whoever changes one of them would have to keep all in step).
#pragma once

#include "arch/is_set.h"
#include "base/race.h"
#include "base/unusual.h"
#include "sched/birth.h"
#include "sched/loop.h"
#include "sched/schedule.h"
#include "trace/trace.h"

// Functions that goroutines are parked in or below, now by the one way, now by the other. They lie side by side, and dumps
// take all places in them for one (debug/census.cpp): the public functions that have two ways, and all in between.
#define WEFT_LEADS_TO_PARKS [[gnu::section("weft_parks")]]
#define WEFT_PARKS WEFT_SWITCHES_STACKS WEFT_LEADS_TO_PARKS [[gnu::noinline]]
extern "C" [[gnu::visibility("hidden")]] const char __start_weft_parks[], __stop_weft_parks[];  // the linker's

namespace weft::sched {

// Nothing is out of the ordinary. Never in programs under ThreadSanitizer: what the detector is told is told on the long ways.
inline bool is_usual() noexcept { return !base::race::is_watched && !arch::is_set(base::unusual_things, base::relaxed); }

// The worker that runs the caller, for the short ways of operations that may block; null: take the long one. An operation
// of a goroutine whose processor was taken comes to a checkpoint there.
inline worker* usual_worker() noexcept {
  worker* w = this_worker();
  if (!is_usual() || !w || arch::is_set(w->detached, base::relaxed)) [[unlikely]] return nullptr;
  return w;
}

// As try_enter(). REQUIRES: is_usual(), w runs a goroutine's own code.
inline processor* enter_shortly(worker& w) noexcept {
  w.inside.store(1, base::relaxed);
  base::compiler_fence();  // a light fence, where there is membarrier
  if (!arch::is_set(w.seized, base::acquire) && w.held) [[likely]] return w.held;
  leave(w);
  return nullptr;
}

// Is there anything that the long way must see to before this processor's next decision, but for what others could help with?
// Or because of `also`, not 0?
inline bool is_own_decision_due(const worker& w, const processor& p, std::uint32_t tick, std::uintptr_t also) noexcept {
  if ((also | reinterpret_cast<std::uintptr_t>(w.pinned)) != 0) [[unlikely]] return true;
  if (arch::is_set(p.attention, base::relaxed)) [[unlikely]] return true;
  return is_duty_due(p, tick);
}

// The same, or do others want to help?
inline bool is_decision_due(const worker& w, const processor& p, std::uint32_t tick, std::uintptr_t also) noexcept {
  if (is_own_decision_due(w, p, tick, also)) [[unlikely]] return true;
  return arch::is_set(the.hungry, base::relaxed) && wants_help(p);
}

// Goroutines that have run wait in line, and no newborns.
inline bool has_only_line(const processor& p, own_queue::ends& seen) noexcept {
  seen = p.queue.look_at_line();
  return seen.size() != 0 && !p.queue.has_newborns();
}

// What the next slot holds, or else the front of the line, behind which memory is fetched where it is long (O5).
inline runnable next_or_front(const processor& p, std::uintptr_t next, own_queue::ends line) noexcept {
  if (next != 0) return runnable(next);
  if (own_queue::is_long(line)) [[unlikely]] p.queue.fetch_behind_front();
  return own_queue::front_of_line(p.queue.place_of_front(line));
}

// Not 0: some are in flight.
inline std::uintptr_t exceptions_of(const worker& w) noexcept {
  return reinterpret_cast<std::uintptr_t>(w.exceptions->caught) | w.exceptions->uncaught;
}

// Not 0: there is something to see to before its goroutine leaves.
inline std::uintptr_t keeps_goroutine(const worker& w, const processor& p) noexcept { return exceptions_of(w) | p.births.balance; }  // AC4

// The permit to resume `work` (arch/switch.h, A1); null: it is none to switch to from here, or not yet.
inline void* try_take_permit(runnable work) noexcept {
  if (work.is_newborn() || work.as_goroutine()->pinned_to) [[unlikely]] return nullptr;
  return arch::try_take(work.as_goroutine()->context);
}

// What is known of a goroutine while it is parked, and no longer.
inline void note_parked(goroutine& g, wait_reason reason, const void* object) noexcept {
  g.object.store(object, base::relaxed);
  g.since_ns.store(the.coarse_now.load(base::relaxed), base::relaxed);
  g.reason.store(reason, base::relaxed);
}
inline void note_resumed(goroutine& g) noexcept {
  g.reason.store(wait_reason::none, base::relaxed);
  if (trace::is_on()) [[unlikely]] trace::emit(trace::event::resume, g.id);  // on since it was parked, maybe
}

// From g's stack to the loop's, which runs `work` next, if there is any. Returns when somebody resumes g.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline void switch_to_loop(worker& w, goroutine& g, runnable work) {
  w.carried = work;
  w.current = nullptr;
  void* const sp = arch::try_take(w.native);
  leave_for(g.sanitized, w.native_fiber);
  arch::switch_to(g.context, w.native, sp);
}

// From g's stack to next's; returns when somebody resumes g. What is left to do is to bury whoever died on the way there.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline worker& switch_unburied(worker& w, goroutine& g, goroutine& next, void* sp) {
  w.current = &next;
  leave_for(g.sanitized, next.sanitized);
  arch::switch_to(g.context, next.context, sp);
  arrive(g.sanitized);
  return *this_worker();
}
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline worker& switch_shortly(worker& w, goroutine& g, goroutine& next, void* sp) {
  worker& here = switch_unburied(w, g, next, sp);
  bury(here);
  return here;
}

// park(), the long way.
void park_the_long_way(wait_reason reason, const void* object);

// park() from inside the runtime, where nothing is out of the ordinary and newborns wait: birth.cpp.
void park_before_newborn(worker& w, processor& p, wait_reason reason, const void* object);

// park(), for who has entered the runtime and leaves it by this. False: nothing else has happened.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline bool park_entered(worker& w, processor& p, wait_reason reason, const void* object) {
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  const std::uintptr_t next = p.next.load(base::relaxed);
  own_queue::ends line{};
  runnable work;
  void* sp = nullptr;
  if (next != 0 ? is_next_first(p, tick) : has_only_line(p, line)) [[likely]]
    if (!is_decision_due(w, p, tick, keeps_goroutine(w, p))) [[likely]] {
      work = next_or_front(p, next, line);
      sp = try_take_permit(work);
    }
  if (!sp) [[unlikely]] {
    leave(w);
    return false;
  }
  p.tick.store(tick, base::relaxed);
  if (next != 0) {
    p.next.store(0, base::relaxed);
  } else {
    p.queue_tick.store(tick, base::relaxed);
    p.queue.pop_front_of_line(line);
  }
  note_parked(*w.current, reason, object);
  worker& here = switch_shortly(w, *w.current, *work.as_goroutine(), sp);
  note_resumed(*here.current);
  leave(here);
  return true;
}

// park(). False: nothing has happened.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline bool park_shortly(worker& w, wait_reason reason, const void* object) {
  processor* const p = enter_shortly(w);
  return p && park_entered(w, *p, reason, object);
}

[[gnu::cold, gnu::noinline]] void share_and_leave(worker& w, processor& p);

// ready(), for a worker that runs a goroutine's own code. False: nothing has happened.
[[gnu::always_inline]] inline bool ready_shortly(worker& w, detail::sleeper* who) {
  if (!who->is_goroutine) [[unlikely]] return false;
  processor* const p = enter_shortly(w);
  if (!p) [[unlikely]] return false;
  if (arch::is_set(p->next, base::relaxed)) {
    leave(w);
    return false;
  }
  p->next.store(runnable(static_cast<goroutine*>(who)).word(), base::relaxed);
  base::compiler_fence();  // P3: the publisher's side
  if (arch::is_set(the.hungry, base::relaxed)) [[unlikely]] {
    if (wants_help(*p)) [[unlikely]] {
      share_and_leave(w, *p);
      return true;
    }
  }
  leave(w);
  return true;
}

}  // namespace weft::sched
