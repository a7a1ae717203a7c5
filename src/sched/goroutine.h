// The control block of a goroutine that has run. It lives at the top of the goroutine's own stack: a parked goroutine
// costs one stack page and its share of a page table, nothing else. Before its first run a goroutine is a newborn.
//
//   G1  A goroutine is in exactly one place: running on a worker, in one queue of runnables, or parked.
//   G2  ready() is called exactly once per park, by whoever took its waiter (detail/waiter.h). It may come before the
//       goroutine has left its stack; context.sp tells (arch/switch.h, A2).
//   G3  Fields marked R are written only by the goroutine's worker while it runs, and read elsewhere only by dumps, which
//       tolerate stale values: they are relaxed atomics.
// G2 is checked by tests/model/park_model.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/switch.h"
#include "base/atomic.h"
#include "sched/fiber.h"
#include "sched/timers.h"
#include "sched/wait_reason.h"
#include "stack/stack.h"

namespace weft::detail {

struct group;

// Who sleeps: a goroutine or a plain thread.
struct sleeper {
  const bool is_goroutine;
  bool has_exceptions = false;                                       // a goroutine's: some are saved while it is parked
  base::atomic<sched::wait_reason> reason{sched::wait_reason::none};  // R: none while not parked
  base::atomic<const void*> object{nullptr};                         // R: what it waits for
  base::atomic<std::int64_t> since_ns{0};                            // R: coarse time of the park

 protected:
  constexpr explicit sleeper(bool goroutine) noexcept : is_goroutine(goroutine) {}
};

}  // namespace weft::detail

namespace weft::sched {

struct goroutine;
struct worker;
struct local_node;
struct member;

// What __cxa_get_globals() points to (Itanium C++ ABI 2.2.2): it travels with the goroutine.
struct exception_globals {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

// What a goroutine sleeps by (time/sleep.cpp): one line of the cache, all that setting and firing touch of a sleeper. In the
// control block, since it would make two lines more of the stack, where thousands that sleep are out of cache.
struct alignas(64) sleep_timer : timer {
  explicit sleep_timer(goroutine& sleeper) noexcept : timer(timer_kind_of<wake>), who(sleeper) {}
  static void wake(timer_node*);  // schedule.cpp
  goroutine& who;
};

struct alignas(64) goroutine : detail::sleeper {
  static constexpr std::uint64_t alive_mark = 0x77656674'676F0001, dead_mark = alive_mark + 1;

  goroutine() noexcept : sleeper(true) {}

  arch::context context;
  worker* pinned_to = nullptr;       // not null: runs only there
  member* membership = nullptr;      // in a world of virtual time or explored schedules (seam.h); null: in none
  // Up to here it is one line of the cache: all that a park and a resume touch.
  sleep_timer nap{*this};            // a line of its own; idle, but for goroutines that sleep
  exception_globals exceptions;      // saved while parked; mostly empty
  worker* last_worker = nullptr;     // where it parked; only for WEFT_DEBUG=migrate=1
  std::uint32_t pin_depth = 0;
  local_node* locals = nullptr;      // newest first
  base::atomic<std::uint64_t> mark{alive_mark};  // dead_mark once dead; dumps check it
  std::uint64_t id = 0;
  std::uint64_t creator = 0;
  const void* start_site = nullptr;
  const char* name = "";
  detail::group* born_into = nullptr;  // counts it until it ends (account.h); null: none, or the membership knows
  stack::stack_ref stack{};
  [[no_unique_address]] fiber sanitized;
};

}  // namespace weft::sched
