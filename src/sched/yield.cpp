// weft::yield(), by the short way (short_way.h); the long one is in schedule.cpp.
//
// Functions without a frame, which call nothing but what they leave by, and in which what is usual lies in one piece. Branches
// that are taken keep the CPU from it as much as instructions do: a yield of 14 instructions fewer was no faster until three such
// branches were gone as well. So two that yield to each other are apart from the rest.
//
// GCC compiles this file without frame pointers, which take 3 % of a yield's time (cmake/WeftFlags.cmake). The register keeps
// the caller's frame: who follows frame pointers from inside a yield misses its caller, and finds all others.
#include "sched/schedule.h"

#include "sched/idle.h"
#include "sched/seam.h"
#include "sched/short_way.h"

namespace weft::sched {

namespace {

[[gnu::noinline]] void yield_at_a_point() {
  if (exploring()) [[unlikely]] reach_point("yield", true);
  yield();
}

[[gnu::cold, gnu::noinline]] void leave_and_yield(worker& w) {
  leave(w);
  yield_at_a_point();
}

[[gnu::cold, gnu::noinline]] void bury_and_leave(worker& w) {
  release_dead_stack(w);
  leave(w);
}

// The permit to resume `front`; null: not by the short way. Inside the runtime.
[[gnu::always_inline]] inline void* take_permit_to_yield_to(runnable front, worker& w, processor& p, std::uint32_t tick,
                                                            own_queue::ends line) noexcept {
  if (arch::is_set(p.next, base::relaxed)) [[unlikely]] return nullptr;
  if (p.queue.has_newborns()) [[unlikely]] return nullptr;
  if (is_own_decision_due(w, p, tick, keeps_goroutine(w, p))) [[unlikely]] return nullptr;
  if (arch::is_set(the.hungry, base::relaxed)) [[unlikely]] {
    if (wants_help_with(p, line.size())) return nullptr;
  }
  return try_take_permit(front);
}

[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline void yield_to_front(worker& w, processor& p, own_queue::ends line) {
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  std::uintptr_t& place = p.queue.place_of_front(line);
  const runnable front = own_queue::front_of_line(place);
  void* const sp = take_permit_to_yield_to(front, w, p, tick, line);
  if (!sp) [[unlikely]] return leave_and_yield(w);
  goroutine& g = *w.current;
  p.tick.store(tick, base::relaxed);
  p.queue_tick.store(tick, base::relaxed);
  p.queue.pop_front_and_push(line, place, runnable(&g));
  worker& here = switch_unburied(w, g, *front.as_goroutine(), sp);
  if (here.dead_stack) [[unlikely]] return bury_and_leave(here);
  leave(here);
}

WEFT_PARKS void yield_in_line(worker& w, processor& p) {
  const own_queue::ends line = p.queue.look_at_line();
  if (line.size() == 0) [[unlikely]] return leave_and_yield(w);
  if (own_queue::is_long(line)) [[unlikely]] p.queue.fetch_behind_front();
  yield_to_front(w, p, line);
}

}  // namespace

}  // namespace weft::sched

namespace weft {

WEFT_PARKS void yield() {
  using namespace sched;
  if (!is_usual()) [[unlikely]] return yield_at_a_point();
  worker* const w = this_worker();
  if (!w) [[unlikely]] return yield_at_a_point();
  processor* const p = enter_shortly(*w);
  if (!p) [[unlikely]] return yield_at_a_point();
  const own_queue::ends line = p->queue.look_at_line();
  if (line.size() != 1) [[unlikely]] return yield_in_line(*w, *p);
  yield_to_front(*w, *p, line);
}

}  // namespace weft
