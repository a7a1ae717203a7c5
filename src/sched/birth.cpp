// How goroutines begin and end. How they are started: spawn.cpp.
//
// A newborn gets a stack when it is its turn. Its control block is built at the top of that stack, shifted by a colour so
// that the control blocks and first frames of different goroutines fall into different sets of the L1 cache (all stack
// tops are page aligned). When it ends and another newborn is next, that one takes over the stack on the spot, without a
// switch: a burst of short goroutines runs on one warm stack per processor.
//
// Births and ends have short ways, as parks do (short_way.h, SW1, SW2), and one rule more:
//
//   BI1  A goroutine that ends may put its stack into its processor's cache and still stand on it. Nobody takes it from
//        there before it has left: it is inside the runtime, so the cache is its worker's (worker.h, H1), which comes to
//        it again on another stack only. What does not fit goes to the depot, where others take it: that is left to
//        whoever arrives (bury).
#include "sched/birth.h"

#include <new>

#include "base/assert.h"
#include "base/race.h"
#include "sched/debug_modes.h"
#include "sched/local.h"
#include "sched/loop.h"
#include "sched/overflow.h"
#include "sched/runtime.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

std::size_t colour_of(const std::byte* top) noexcept {
  return (reinterpret_cast<std::uintptr_t>(top) / stack_colour_page) % stack_colours * stack_colour_bytes;
}

}  // namespace

goroutine* goroutine_at(std::byte* top) noexcept {
  return reinterpret_cast<goroutine*>(top - sizeof(goroutine) - colour_of(top));
}

namespace {

[[gnu::cold, gnu::noinline]] void enrol(goroutine& g, member& who) noexcept {
  g.name = who.name;
  g.membership = &who;
  who.body = &g;
}

// The control block becomes the newborn's. What is not written here is as the constructor leaves it, and as a goroutine
// leaves it when it ends.
inline void name_after(goroutine& g, const detail::newborn& n) noexcept {
  g.id = n.id;
  base::compiler_fence();  // or it is one load of both words, which were just written by two stores: the CPU waits 13 cycles
  g.creator = n.creator;
  g.start_site = n.start_site;
  g.last_worker = nullptr;
  if (n.kind == detail::newborn_kind::in_group) {
    g.name = "";
    g.born_into = n.born_into;
    return;
  }
  g.born_into = nullptr;
  if (n.kind == detail::newborn_kind::named) [[likely]] g.name = n.name;
  else enrol(g, *n.membership);
}

// The last goroutine on this stack left its control block here (weft_goroutine_main), and nothing came over it since.
inline bool has_left_its_block(const goroutine& g, stack::stack_ref s) noexcept {
  return !has_fibers && g.mark.load(base::relaxed) == goroutine::dead_mark && g.stack == s;
}

[[gnu::always_inline]] inline goroutine* build(stack::stack_ref s, detail::newborn& n) noexcept {
  goroutine* g = goroutine_at(s.top);
  if (has_left_its_block(*g, s)) [[likely]] {
    g->mark.store(goroutine::alive_mark, base::relaxed);
  } else {
    g = ::new (static_cast<void*>(g)) goroutine;
    g->stack = s;
  }
  name_after(*g, n);
  deliver(&n, g->sanitized, s);
  return g;
}

}  // namespace

goroutine* be_born(worker& w, detail::newborn& n) {
  const std::size_t wanted = std::size_t{n.stack_kib} * 1024;
  goroutine* g = build(wanted == 0 ? w.held->stacks.acquire() : stack::acquire_sized(wanted), n);
  w.starting = &n;
  arch::prepare(g->context, g);
  return g;
}

WEFT_PARKS void park_before_newborn(worker& w, processor& p, wait_reason reason, const void* object) {
  goroutine& g = *w.current;
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  const bool gets_away = p.births.balance != 0 && g.born_into == p.births.group;  // AC4
  if (!p.queue.has_only_newborns() || !p.stacks.has_one() || is_decision_due(w, p, tick, exceptions_of(w) | gets_away))
      [[unlikely]] {
    leave(w);
    return park_the_long_way(reason, object);
  }
  note_parked(g, reason, object);
  p.tick.store(tick, base::relaxed);
  p.queue_tick.store(tick, base::relaxed);
  const runnable work = p.queue.pop_newborn(w.cradle);
  detail::newborn* const n = work.as_newborn();
  if (n->stack_kib == 0) [[likely]] {
    goroutine* const next = build(p.stacks.take(), *n);
    arch::prepare_taken(next->context);
    w.starting = n;
    w.current = next;
    leave_for(g.sanitized, next->sanitized);
    arch::switch_to(g.context, next->context, next);
  } else {
    switch_to_loop(w, g, work);
  }
  arrive(g.sanitized);
  worker& here = *this_worker();
  bury(here);
  note_resumed(g);
  leave(here);
}

namespace {

// As a member of a world, which reports what would otherwise end the process.
[[gnu::cold, gnu::noinline]] void run_member(member& who, detail::newborn* n) {
  try {
    n->run(n);
    if (!who.born_into) return;
    point("wait_group add");
    base::race::release(&who.born_into->state);
    if (detail::sleeper* waits = take_from(*who.born_into)) ready(waits);
  } catch (...) {
    who.home.escaped(who, std::current_exception());
  }
}

[[gnu::cold, gnu::noinline]] void end_member(goroutine& g) {
  member& who = *g.membership;
  who.body = nullptr;
  who.home.ends(who);
  g.membership = nullptr;
}

// ready(), for those inside the runtime. Null: nobody. `is_usual`: what is_usual() said, or false.
[[gnu::always_inline]] inline void wake(bool is_usual, processor* p, detail::sleeper* who) {
  if (!who) [[likely]] return;
  if (!is_usual || !p || p->next.load(base::relaxed) != 0 || !who->is_goroutine) [[unlikely]] return ready(who);
  p->next.store(runnable(static_cast<goroutine*>(who)).word(), base::relaxed);
  base::compiler_fence();  // P3: the publisher's side; a light fence, where there is membarrier
  if (the.hungry.load(base::relaxed) != 0 && wants_help(*p)) [[unlikely]] feed(*p);
}

[[gnu::always_inline]] inline void count_end(bool is_usual, processor* p, goroutine& g) {
  if (p) p->ended.add_owned(1);
  else the.ended_outside.fetch_add(1, base::relaxed);
  if (g.born_into) base::race::release(&g.born_into->state);
  if (g.born_into) wake(is_usual, p, leave_group(p ? &p->births : nullptr, *g.born_into));
}

// Switches away from a stack that its arrival point releases (bury).
[[noreturn]] WEFT_SWITCHES_STACKS void leave_for_good(worker& w, goroutine& dead, runnable work) {
  goroutine* next = work && !work.is_newborn() && !migrate_mode ? work.as_goroutine() : nullptr;
  void* sp = next && !next->pinned_to ? arch::try_take(next->context) : nullptr;
  dead.mark.store(goroutine::dead_mark, base::relaxed);
  w.dead_stack = dead.stack;
  w.dead_fiber = dead.sanitized;
  if (sp) {
    w.current = next;
    leave_for(dead.sanitized, next->sanitized, true);
    arch::switch_for_good(next->context, sp);
  } else {
    w.carried = work;
    w.current = nullptr;
    sp = arch::try_take(w.native);
    leave_for(dead.sanitized, w.native_fiber, true);
    arch::switch_for_good(w.native, sp);
  }
}

// Who takes over the stack of a goroutine that has ended; does not return if nobody does. Inside the runtime.
[[gnu::noinline]] WEFT_SWITCHES_STACKS detail::newborn* find_heir(worker& w, goroutine& dead) {
  processor* p = w.held;
  runnable work;
  if (p && !w.pinned && dead.stack.size() == stack::default_size()) work = pick(w, *p);
  if (has_fibers || !work || !work.is_newborn() || work.as_newborn()->stack_kib != 0) leave_for_good(w, dead, work);
  return work.as_newborn();
}

// `front` of the line, and null if that is no newborn which may have the stack.
[[gnu::noinline]] detail::newborn* take_heir_from_line(processor& p, runnable front, own_queue::ends line, const goroutine& dead) {
  if (!front.is_newborn() || front.as_newborn()->stack_kib != 0 || !p.stacks.hands_out_such(dead.stack)) return nullptr;
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  p.tick.store(tick, base::relaxed);
  p.queue_tick.store(tick, base::relaxed);
  p.queue.pop_front_of_line(line);
  return front.as_newborn();
}

// The same where nothing is out of the ordinary. Null: nothing has happened.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline detail::newborn* find_heir_shortly(worker& w, processor& p, goroutine& dead) {
  if (has_fibers) return nullptr;
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  if (is_decision_due(w, p, tick, 0)) [[unlikely]] return nullptr;
  const std::uintptr_t next = p.next.load(base::relaxed);
  if (next == 0 && p.queue.has_only_newborns()) {
    if (!p.stacks.hands_out_such(dead.stack)) [[unlikely]] return nullptr;
    p.tick.store(tick, base::relaxed);
    p.queue_tick.store(tick, base::relaxed);
    const runnable newborn = p.queue.pop_newborn(w.cradle);
    if (newborn.as_newborn()->stack_kib != 0) [[unlikely]] leave_for_good(w, dead, newborn);
    return newborn.as_newborn();
  }
  own_queue::ends line{};
  if (!(next != 0 ? is_next_first(p, tick) : has_only_line(p, line)) || !p.stacks.has_room_for(dead.stack)) [[unlikely]]
    return nullptr;
  const runnable work = next_or_front(p, next, line);
  void* const sp = try_take_permit(work);
  if (!sp) [[unlikely]] return next == 0 ? take_heir_from_line(p, work, line, dead) : nullptr;
  p.tick.store(tick, base::relaxed);
  if (next != 0) {
    p.next.store(0, base::relaxed);
  } else {
    p.queue_tick.store(tick, base::relaxed);
    p.queue.pop_front_of_line(line);
  }
  dead.mark.store(goroutine::dead_mark, base::relaxed);
  p.stacks.put(dead.stack);  // BI1
  w.current = work.as_goroutine();
  arch::switch_for_good(work.as_goroutine()->context, sp);
}

// True: it is a member of a world.
[[gnu::cold, gnu::noinline]] bool begin_unusually(const goroutine& g) {
  trace::emit(trace::event::begin, g.id);
  return g.membership != nullptr;
}

// What follows when its code has returned, as end_shortly().
[[gnu::noinline]] detail::newborn* end(goroutine& g) {
  worker& w = *this_worker();
  enter(w);
  if (g.membership) [[unlikely]] end_member(g);
  trace::emit(trace::event::end, g.id);
  if (!stack::canary_intact(g.stack)) [[unlikely]] report_overflow(g, g.stack.size());
  count_end(false, w.held, g);
  return find_heir(w, g);
}

// Enters the runtime; returns there with whoever takes over the stack, or not at all.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline detail::newborn* end_shortly(goroutine& g) {
  worker& w = *this_worker();
  processor* const p = is_usual() ? enter_shortly(w) : nullptr;
  if (!p) [[unlikely]] return end(g);
  count_end(true, p, g);
  detail::newborn* const heir = find_heir_shortly(w, *p, g);
  return heir ? heir : find_heir(w, g);
}

}  // namespace

extern "C" [[gnu::visibility("hidden")]] WEFT_SWITCHES_STACKS void weft_goroutine_main() {
  worker& first = *this_worker();
  goroutine* const g = first.current;
  arrive(g->sanitized);
  detail::newborn* n = std::exchange(first.starting, nullptr);
  bury(first);
  while (true) {
    const bool is_member = !is_usual() && begin_unusually(*g);
    leave(*this_worker());
    if (!is_member) [[likely]] n->run(n);  // frees n
    else run_member(*g->membership, n);
    if (g->locals) [[unlikely]] destroy_locals(*g);
    n = end_shortly(*g);
    name_after(*g, *n);
  }
}

std::uint64_t take_id(processor& p) noexcept {
  constexpr std::uint64_t block = 64;
  if (!has_id(p)) [[unlikely]] {
    const std::uint64_t first = the.next_id.fetch_add(block, base::relaxed);
    p.id_last.store(first + block, base::relaxed);
    p.id_first.store(first, base::release);
  }
  return take_reserved_id(p);
}

birth_mark::birth_mark() {
  if (!started.load(base::acquire)) return;  // all are later
  // The shared counter first: a block that is taken between the two looks is above it.
  shared_first_ = the.next_id.load(base::acquire);
  for_each_processor([&](processor& p) {
    const std::uint64_t first = p.id_first.load(base::acquire), last = p.id_last.load(base::relaxed);
    if (first < last && first < shared_first_) reserved_.emplace_back(first, last);
  });
}

bool birth_mark::is_later(std::uint64_t id) const noexcept {
  if (id >= shared_first_) return true;
  for (auto [first, last] : reserved_)
    if (id >= first && id < last) return true;
  return false;
}

std::size_t count_goroutines() noexcept {
  // Ends are read first: a goroutine that ends meanwhile is still counted, none is counted as ended but not as spawned.
  std::uint64_t ended = the.ended_outside.load(base::acquire), spawned = 0;
  for_each_processor([&](processor& p) { ended += p.ended.load(base::acquire); });
  for_each_processor([&](processor& p) { spawned += p.spawned.load(base::acquire); });
  spawned += the.spawned_outside.load(base::acquire);
  return static_cast<std::size_t>(spawned - ended);
}

}  // namespace weft::sched
