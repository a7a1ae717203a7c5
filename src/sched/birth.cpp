// How goroutines begin and end.
//
// A newborn gets a stack when it is its turn. Its control block is built at the top of that stack, shifted by a colour so
// that the control blocks and first frames of different goroutines fall into different sets of the L1 cache (all stack
// tops are page aligned). When it ends and another newborn is next, that one takes over the stack on the spot, without a
// switch: a burst of short goroutines runs on one warm stack per processor.
#include "sched/birth.h"

#include <new>

#include "base/assert.h"
#include "sched/debug_modes.h"
#include "sched/local.h"
#include "sched/loop.h"
#include "sched/overflow.h"
#include "sched/runtime.h"
#include "sched/seam.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constexpr std::size_t colours = 16, colour_bytes = 64;

std::size_t colour_of(const std::byte* top) noexcept {
  return (reinterpret_cast<std::uintptr_t>(top) / 4096) % colours * colour_bytes;
}

std::uint64_t take_id(processor& p) noexcept {
  constexpr std::uint64_t block = 64;
  std::uint64_t id = p.id_first.load(base::relaxed);
  if (id == p.id_last.load(base::relaxed)) [[unlikely]] {
    id = the.next_id.fetch_add(block, base::relaxed);
    p.id_last.store(id + block, base::relaxed);
  }
  p.id_first.store(id + 1, base::release);  // release: whoever reads it sees the block it belongs to
  return id;
}

[[gnu::cold, gnu::noinline]] void enrol(goroutine& g, member& who) noexcept {
  g.name = who.name;
  g.membership = &who;
  who.body = &g;
}

goroutine* build(stack::stack_ref s, detail::newborn& n) noexcept {
  auto* g = ::new (goroutine_at(s.top)) goroutine;
  g->id = n.id;
  g->creator = n.creator;
  g->start_site = n.start_site;
  g->name = n.name;
  g->stack = s;
  if (n.in_world) [[unlikely]] enrol(*g, *n.membership);
  return g;
}

}  // namespace

goroutine* goroutine_at(std::byte* top) noexcept {
  return reinterpret_cast<goroutine*>(top - sizeof(goroutine) - colour_of(top));
}

goroutine* be_born(worker& w, detail::newborn& n) {
  const std::size_t wanted = std::size_t{n.stack_kib} * 1024;
  goroutine* g = build(wanted == 0 ? w.held->stacks.acquire() : stack::acquire_sized(wanted), n);
  w.starting = &n;
  arch::prepare(g->context, g);
  return g;
}

namespace {

// As a member of a world, which reports what would otherwise end the process.
[[gnu::cold, gnu::noinline]] void run_member(member& who, detail::newborn* n) {
  try {
    n->run(n);
  } catch (...) {
    who.home.escaped(who, std::current_exception());
  }
}

[[gnu::cold, gnu::noinline]] void end_member(goroutine& g) {
  member& who = *g.membership;
  who.body = nullptr;
  who.home.ends(who);
}

// Runs one newborn to its end, as goroutine g. Enters and leaves inside the runtime; the worker may be another one.
worker& live(goroutine& g, detail::newborn* n) {
  trace::emit(trace::event::begin, g.id);
  bury(*this_worker());
  leave(*this_worker());
  if (!g.membership) [[likely]] n->run(n);  // frees n
  else run_member(*g.membership, n);
  if (g.locals) destroy_locals(g);
  worker& w = *this_worker();
  enter(w);
  if (g.membership) [[unlikely]] end_member(g);
  trace::emit(trace::event::end, g.id);
  if (!stack::canary_intact(g.stack)) [[unlikely]] report_overflow(g, g.stack.size());
  g.mark.store(0, base::relaxed);
  if (w.held) w.held->ended.add_owned(1);
  else the.ended_outside.fetch_add(1, base::relaxed);
  return w;
}

// Switches away from a stack that its arrival point releases (bury).
[[noreturn]] void leave_for_good(worker& w, stack::stack_ref home, runnable work) {
  goroutine* next = work && !work.is_newborn() && !migrate_mode ? work.as_goroutine() : nullptr;
  void* sp = next && !next->pinned_to ? arch::try_take(next->context) : nullptr;
  arch::context nowhere;
  w.dead_stack = home;
  if (sp) {
    w.current = next;
    arch::switch_to(nowhere, next->context, sp);
  } else {
    w.carried = work;
    w.current = nullptr;
    arch::switch_to(nowhere, w.native, arch::try_take(w.native));
  }
  __builtin_unreachable();  // GCOVR_EXCL_LINE: by its nature
}

}  // namespace

extern "C" [[gnu::visibility("hidden")]] void weft_goroutine_main() {
  goroutine* g = this_worker()->current;
  const stack::stack_ref home = g->stack;
  detail::newborn* n = std::exchange(this_worker()->starting, nullptr);
  while (true) {
    worker& w = live(*g, n);
    runnable work = w.held && !w.pinned && home.size() == stack::default_size() ? pick(*w.held) : runnable();
    if (work && work.is_newborn() && work.as_newborn()->stack_kib == 0) {
      n = work.as_newborn();
      g = build(home, *n);
      w.current = g;
      continue;
    }
    leave_for_good(w, home, work);
  }
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

namespace weft::detail {

namespace {

using namespace sched;

// The world of `who` decides when it runs.
void spawn_into(member& who, newborn* n) {
  n->membership = &who;
  n->in_world = true;
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
  trace::emit(trace::event::spawn, n->id, reinterpret_cast<std::uintptr_t>(n->start_site));
  who.home.runnable_now(who, runnable(n));
}

[[gnu::cold, gnu::noinline]] void spawn_from(member& parent, newborn* n) {
  spawn_into(parent.home.join(parent, *n), n);
  point("go");
}

}  // namespace

[[gnu::noinline]] void spawn(newborn* n, const char* name, std::size_t stack_size) {
  using namespace sched;
  n->start_site = __builtin_return_address(0);
  n->name = name ? name : "";
  n->stack_kib = static_cast<std::uint32_t>((stack_size + 1023) / 1024);
  ensure_started();
  goroutine* creator = this_goroutine();
  n->creator = creator ? creator->id : 0;
  if (creator && creator->membership) [[unlikely]] return spawn_from(*creator->membership, n);
  runtime_scope inside;
  if (processor* p = inside.processor()) {
    n->id = take_id(*p);
    p->spawned.add_owned(1);
    trace::emit(trace::event::spawn, n->id, reinterpret_cast<std::uintptr_t>(n->start_site));
    if (creator) p->queue.push_child(runnable(n));
    else p->queue.push(runnable(n));
    share_if_hungry(*p);
  } else {
    n->id = the.next_id.fetch_add(1, base::relaxed);
    the.spawned_outside.fetch_add(1, base::relaxed);
    trace::emit(trace::event::spawn, n->id, reinterpret_cast<std::uintptr_t>(n->start_site));
    inject(runnable(n));
  }
}

}  // namespace weft::detail

namespace weft::sched {

void spawn_first(member& node, detail::newborn* first, const void* site) {
  first->start_site = site;
  first->stack_kib = 0;
  first->creator = 0;
  ensure_started();
  detail::spawn_into(node, first);
}

}  // namespace weft::sched
