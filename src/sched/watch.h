// The watcher: the idle worker that sleeps until the earliest timer of any processor, or until the poller has something
// (idle.h, P4 and P5). And how it gathers timers that come densely.
//
// Waking for a timer costs tens of microseconds of CPU time: the kernel's timer interrupt, two fences across threads, the
// search for what is due. Where timers come by the microsecond most of a processor would go into that. So there the watcher
// sleeps a little longer and finds hundreds due in one sweep.
//
//   G1  Timers are dense once dense_per_ms or more have fired per millisecond in dense_intervals intervals of a millisecond
//       or more on end, and until there are fewer than sparse_per_ms in one. It is judged when the watcher goes to sleep.
//   G2  While they are dense it sleeps for gather_ns, or until gather_ns after what is overdue, unless the next is due even
//       later; and nobody pokes it for a timer that will be no more than gather_ns late. Events of the poller and injected
//       work wake it at once as ever.
//   G3  While they are dense a processor owes a watcher for long whatever its turns take (P4): who leaves the watch to fire
//       timers is back before there would be anything to do. If it does not come to the loop the monitor finds it, which
//       then naps no longer than gather_look_ns.
//       A search fires timers at its first look only: those that come due meanwhile would keep it awake for ever.
//   G4  While they are dense work is worth waking others for if it would wait for gather_ns (sharing.h, S2): sleepers that
//       keep one processor busy for a part of its time stay together.
//
// So a timer fires up to gather_ns later than it would, and beside a goroutine that computes without coming back to the
// runtime gather_look_ns more; only where 16 or more fire in each millisecond. Those of a lonely sleeper, of a thousand
// tickers of 100 ms, or of anything that is not dense, fire when they are due. For comparison: tokio's timers tick once a
// millisecond.
// Refused: a slack on every sleep (a lonely sleeper would be late for nothing); the kernel's timer slack (it puts off the
// wake-up, but not until there is something to gather); one threshold for both ways (it would flicker).
// Checked by tests/model/idle_model.cpp (G2), tests/unit/sched/density_test.cpp (G1), and for what users see by
// tests/semantics/bounded_wait.cpp.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::sched {

struct processor;
struct worker;

inline constexpr std::int64_t gather_ns = 500'000;       // G2
inline constexpr std::int64_t gather_look_ns = 1'000'000;  // G3
inline constexpr std::uint8_t owes_for_long = 32;          // entries of the loop: G3; idle.h, P4

// G1.
struct density {
  static constexpr std::uint64_t dense_per_ms = 64, sparse_per_ms = 16;
  static constexpr unsigned dense_intervals = 3;

  base::atomic<bool> is_dense{false};  // written by the watcher

  // Watcher: it is about to sleep, and `fired` have fired since the beginning.
  void judge(std::int64_t now, std::uint64_t fired) noexcept;

  std::int64_t since_ns = 0;           // begin of the interval of a millisecond or more that is being measured ...
  std::uint64_t fired_before = 0;      // ... and how many had fired before it
  unsigned streak = 0;                 // dense intervals on end
};

// Whether timers are dense, as far as is known.
[[nodiscard]] bool timers_are_dense() noexcept;

// Sleeps in the poller until there is something to run (P4). Returns when w was woken, or cannot help.
// REQUIRES: w is the watcher, and in the list of sleepers.
void watch(worker& w);

// All processors run something: they are to look at timers and poller at their next scheduling point.
void tell_busy_processors() noexcept;

// P4: a timer was armed for `when_ns`; a processor was left idle by somebody who does not sleep himself.
void timer_armed(std::int64_t when_ns);
void ensure_watched();
// P4. Owner of p, who leaves the watch or ends its search with something to run there: wakes another to watch, or owes one.
void leave_unwatched(processor& p);
[[nodiscard]] bool is_unwatched() noexcept;  // although there is something to watch
bool timers_pending() noexcept;
std::int64_t earliest_timer() noexcept;

}  // namespace weft::sched
