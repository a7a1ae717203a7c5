// How goroutines are started: go() and wait_group::go().
//
// It is a few dozen instructions, as long as nothing is out of the ordinary: the fast paths (spawn_here, spawn_small_here)
// do no call, and leave by a tail call to the general one if anything is. go() never switches: a goroutine may hold a
// std::mutex or rely on a thread_local across it. Refused for that reason: letting the newborns run when many wait, which
// would keep a burst in the cache (API rule 6 allows a switch only at calls that block).
#include <cstring>

#include <weft/detail/group.h>
#include <weft/detail/newborn.h>

#include "sched/birth.h"
#include "sched/loop.h"
#include "sched/runtime.h"
#include "sched/seam.h"
#include "sched/short_way.h"
#include "trace/trace.h"

namespace weft::detail {

namespace {

using namespace sched;

// The world of `who` decides when it runs.
void spawn_into(member& who, newborn* n) {
  n->membership = &who;
  n->kind = newborn_kind::in_world;
  runtime_scope inside;
  std::uint64_t id;
  if (processor* p = inside.processor()) {
    id = take_id(*p);
    p->spawned.add_owned(1);
  } else {
    id = the.next_id.fetch_add(1, base::relaxed);
    the.spawned_outside.fetch_add(1, base::relaxed);
  }
  n->id = who.home.id_of(who, id);
  conceive(n);
  trace::emit(trace::event::spawn, n->id, reinterpret_cast<std::uintptr_t>(n->start_site));
  who.home.runnable_now(who, runnable(n));
}

[[gnu::cold, gnu::noinline]] void spawn_from(member& parent, newborn* n, group* into) {
  if (into) {
    point("wait_group add");
    into->state.fetch_add(group::one, base::relaxed);
    n->name = "";
  }
  member& child = parent.home.join(parent, *n);
  child.born_into = into;
  spawn_into(child, n);
  point("go");
}

// Births of any kind, from anywhere.
[[gnu::noinline]] void spawn_slowly(newborn* n, group* into) {
  ensure_started();
  goroutine* creator = this_goroutine();
  n->creator = creator ? creator->id : 0;
  if (creator && creator->membership) [[unlikely]] return spawn_from(*creator->membership, n, into);
  runtime_scope inside;
  processor* p = inside.processor();
  if (into && p && creator) p->births.enters(*into);
  else if (into) into->state.fetch_add(group::one, base::relaxed);
  if (p) {
    n->id = take_id(*p);
    p->spawned.add_owned(1);
  } else {
    n->id = the.next_id.fetch_add(1, base::relaxed);
    the.spawned_outside.fetch_add(1, base::relaxed);
  }
  conceive(n);
  trace::emit(trace::event::spawn, n->id, reinterpret_cast<std::uintptr_t>(n->start_site));
  if (!p) return inject(runnable(n));
  if (creator) p->queue.push_child(runnable(n));
  else p->queue.push(runnable(n));
  share_if_hungry(*p);
}

[[gnu::noinline]] void feed_and_leave(worker& w) {
  feed(*w.held);
  leave(w);
}

// Inside the runtime, if a goroutine calls, nothing is unusual (so it is in no world), and `has_room`; else null.
template <class HasRoom>
[[gnu::always_inline]] inline processor* enter_to_spawn(worker* w, group* into, HasRoom has_room) noexcept {
  const bool may_enter = w && is_usual() && w->current && w->inside.load(base::relaxed) == 0;
  processor* p = may_enter ? enter_shortly(*w) : nullptr;
  if (!p) [[unlikely]] return nullptr;
  if (has_room(p->queue) && has_id(*p) && (!into || p->births.knows(*into))) [[likely]] return p;
  leave(*w);
  return nullptr;
}

[[gnu::always_inline]] inline void leave_after_spawn(worker& w, processor& p) {
  p.spawned.add_owned(1);
  base::compiler_fence();  // P3: the publisher's side; a light fence, where there is membarrier
  if (the.hungry.load(base::relaxed) != 0 && wants_help(p)) [[unlikely]] return feed_and_leave(w);
  leave(w);
}

[[gnu::always_inline]] inline void spawn_here(newborn* n, group* into) {
  worker* w = this_worker();
  processor* p = enter_to_spawn(w, into, [](const own_queue& queue) { return queue.has_room_for_child(); });
  if (!p) [[unlikely]] return spawn_slowly(n, into);
  if (into) p->births.enters_known();
  n->creator = w->current->id;
  n->id = take_reserved_id(*p);
  conceive(n);
  p->queue.push_child_in_room(runnable(n));
  leave_after_spawn(*w, *p);
}

// With a block of its own.
void spawn_in_block(const breed& b, const std::uint64_t* closure) {
  newborn* n = newborn_allocate_for<small_closure_words * sizeof *closure>();
  const std::uint8_t size_class = n->size_class;
  b.describe(*n, 0);
  n->size_class = size_class;
  std::memcpy(newborn_closure(n), closure, b.kind->words * sizeof *closure);
  spawn_slowly(n, b.born_into);
}

// Small births of any kind, from anywhere.
[[gnu::noinline]] void spawn_small_slowly(const small_kind& kind, const std::uint64_t* closure, const void* site,
                                          group* into) {
  goroutine* creator = this_goroutine();
  breed b{&kind, site, into, creator ? creator->id : 0};
  if (has_fibers || !creator || creator->membership) return spawn_in_block(b, closure);
  runtime_scope inside;
  processor* p = inside.processor();
  if (!p) return spawn_in_block(b, closure);
  nursery& children = p->queue.children();
  children.make_room_for_sibling();  // or throws, and nothing has happened
  if (into) p->births.enters(*into);
  const std::uint64_t id = take_id(*p);
  p->spawned.add_owned(1);
  trace::emit(trace::event::spawn, id, reinterpret_cast<std::uintptr_t>(site));
  if (!children.is_one_more(b, id) || !children.try_add_closure(closure)) children.begin_litter(b, id, closure);
  share_if_hungry(*p);
}

// Inside the runtime, with nothing unusual. Apart, and once for each way to be born, so that neither needs more
// registers than there are.
template <bool in_group>
[[gnu::noinline]] void begin_litter_and_leave(worker& w, const small_kind& kind, const std::uint64_t* closure,
                                              const void* site, group* into) {
  if constexpr (!in_group) into = nullptr;
  else if (!into) __builtin_unreachable();
  processor& p = *w.held;
  if (into) p.births.enters_known();
  p.queue.children().begin_litter({&kind, site, into, w.current->id}, take_reserved_id(p), closure);
  leave_after_spawn(w, p);
}

template <bool in_group>
[[gnu::always_inline]] inline void spawn_small_here(const small_kind& kind, const std::uint64_t* closure, const void* site,
                                                    group* into) {
  if constexpr (in_group)
    if (!into) __builtin_unreachable();
  worker* w = this_worker();
  const auto has_room = [](own_queue& queue) { return !has_fibers && queue.children().has_room_for_sibling(); };
  processor* p = enter_to_spawn(w, into, has_room);
  if (!p) [[unlikely]] return spawn_small_slowly(kind, closure, site, into);
  if (!p->queue.children().is_one_more({&kind, site, into, w->current->id}, p->id_first.load(base::relaxed)) ||
      !p->queue.children().try_add_closure(closure))
    return begin_litter_and_leave<in_group>(*w, kind, closure, site, into);
  if (into) p->births.enters_known();
  static_cast<void>(take_reserved_id(*p));
  leave_after_spawn(*w, *p);
}

}  // namespace

[[gnu::noinline]] void spawn(newborn* n) {
  n->start_site = __builtin_return_address(0);
  spawn_here(n, nullptr);
}

[[gnu::noinline]] void spawn(newborn* n, const char* name, std::size_t stack_size) {
  n->start_site = __builtin_return_address(0);
  if (name) n->name = name;
  n->stack_kib = static_cast<std::uint32_t>((stack_size + 1023) / 1024);
  spawn_here(n, nullptr);
}

[[gnu::noinline]] void spawn_small(const small_kind& kind, const std::uint64_t* closure) {
  spawn_small_here<false>(kind, closure, __builtin_return_address(0), nullptr);
}

[[gnu::noinline]] void spawn_small_into_group(const small_kind& kind, const std::uint64_t* closure, group& into) {
  spawn_small_here<true>(kind, closure, __builtin_return_address(0), &into);
}

[[gnu::noinline]] void spawn_into_group(newborn* n, group& into) {
  n->start_site = __builtin_return_address(0);
  n->born_into = &into;
  n->kind = newborn_kind::in_group;
  spawn_here(n, &into);
}

}  // namespace weft::detail

namespace weft::sched {

void spawn_at(detail::newborn* n, const void* site) {
  n->start_site = site;
  detail::spawn_here(n, nullptr);
}

void spawn_first(member& node, detail::newborn* first, const void* site) {
  first->start_site = site;
  first->creator = 0;
  ensure_started();
  detail::spawn_into(node, first);
}

}  // namespace weft::sched
