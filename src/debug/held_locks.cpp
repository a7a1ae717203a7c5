// WEFT_DEBUG=heldlocks=1: a goroutine that parks while it holds a lock of the C library is reported, once for each place.
//
// The scheduler's trace tells of each park (trace/trace.h); weft::hook notes which locks the thread holds. The report is
// made by a thread of its own, as it needs a large stack and a heap; the goroutine waits for it, but not for long: what
// it holds may be what the report needs.
#include <algorithm>
#include <memory>

#include "base/fatal.h"
#include "base/settings.h"
#include "debug/frames_text.h"
#include "debug/large_stack.h"
#include "debug/periodic.h"
#include "debug/unwind.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/text_sink.h"
#include "sched/held_locks.h"
#include "sched/worker.h"
#include "trace/trace.h"

extern "C" {
extern const int weft_hook_notes_locks [[gnu::weak]];
}

namespace weft::debug {
namespace {

struct finding {
  sched::held_lock locks[sched::most_held_locks];
  unsigned count = 0;
  std::uint64_t goroutine = 0;
  const char* reason = "";
  std::uint64_t pcs[most_frames];
  walk_result stack;
  base::atomic<std::uint32_t> users{2};    // who leaves last frees it
  base::atomic<std::uint32_t> is_told{0};  // futex
};

void leave(finding* f) noexcept {
  if (f->users.fetch_sub(1, base::acq_rel) == 1) delete f;
}

void* tell(void* what) {
  auto* f = static_cast<finding*>(what);
  symboliser names(whose::self());
  std::string text = "weft: goroutine " + std::to_string(f->goroutine) + " parks [" + f->reason + "] while it holds ";
  text += f->count == 1 ? "a lock of the C library:\n" : "locks of the C library:\n";
  for (unsigned i = 0; i < f->count; ++i) text += "locked by " + place_text(names, f->locks[i].site);
  text += "It parks here:\n" + stack_text(names, {f->pcs, f->stack.count}, f->stack.end, hidden_frames::both_ends) + '\n';
  os::text_sink(STDERR_FILENO).write(text);
  f->is_told.store(1, base::release);
  os::futex_wake(f->is_told, 1);
  leave(f);
  return nullptr;
}

// The first time that this place is seen: where it was locked, and the innermost calls that lead to the park. What calls
// those is another story, and a loop may have been unrolled. When the table is full nothing is new any more.
bool is_new(const finding& f) noexcept {
  constexpr std::size_t places = 256;
  static constinit base::atomic<std::uint64_t> seen[places] = {};
  std::uint64_t hash = 0x9E3779B97F4A7C15ULL;
  const auto mix = [&](std::uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 31;
  };
  for (unsigned i = 0; i < f.count; ++i) mix(reinterpret_cast<std::uintptr_t>(f.locks[i].site));
  for (std::uint32_t i = 1; i < f.stack.count && i < 4; ++i) mix(f.pcs[i]);
  hash |= 1;
  for (std::size_t i = 0; i < places; ++i) {
    base::atomic<std::uint64_t>& place = seen[(hash + i) % places];
    std::uint64_t there = 0;
    if (place.compare_exchange_strong(there, hash, base::relaxed, base::relaxed)) return true;
    if (there == hash) return false;
  }
  return false;
}

void on_event(trace::event what, std::uint64_t id, std::uint64_t reason) noexcept {
  constexpr std::int64_t patience_ns = 2'000'000'000;
  if (what != trace::event::park) return;
  sched::held_lock locks[sched::most_held_locks];
  const unsigned count = sched::take_held_locks(locks);
  if (count == 0) return;
  auto f = std::make_unique<finding>();
  std::copy(locks, locks + count, f->locks);
  f->count = count;
  f->goroutine = id;
  f->reason = sched::describe(static_cast<sched::wait_reason>(reason));
  const stack::stack_ref own = sched::this_goroutine()->stack;
  f->stack = walk(arch::registers_here(), {own.base, reinterpret_cast<std::uint64_t>(own.base), reinterpret_cast<std::uint64_t>(own.top)},
                  own_code(), nullptr, f->pcs);
  if (!is_new(*f)) return;
  finding* const shared = f.release();
  start_detached_thread(tell, "weft-held-locks", shared);
  const std::int64_t until = os::monotonic_ns() + patience_ns;
  while (shared->is_told.load(base::acquire) == 0 && os::monotonic_ns() < until) os::futex_wait(shared->is_told, 0, until);
  leave(shared);
}

}  // namespace

void watch_held_locks() {
  if (!base::settings().debug_heldlocks) return;
  if (!&weft_hook_notes_locks) {
    base::print_error("weft: WEFT_DEBUG=heldlocks=1 does nothing in a program that is not linked with weft::hook\n");
    return;
  }
  sched::notes_held_locks.store(true, base::relaxed);
  trace::send_to(on_event);
}

}  // namespace weft::debug
