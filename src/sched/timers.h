// Timers: one wheel per processor behind a spin lock, so that a timer can be stopped from any thread.
//
// A timer's life: idle → armed (start) → idle (stop), or armed → firing → idle. Due timers are taken out under the lock
// and fired without it.
//
//   T1  `fire` is called once per start, unless stop() returned true first. It runs inside the runtime, on a scheduler
//       stack: it must not block, run user code, or stop its own timer. It ends with done_firing(*this), or with making
//       runnable the one whose stack holds the timer: its last touch of the timer either way.
//   T2  stop() returns only when `fire` is not running: after it the timer may be destroyed.
//   T3  start and stop of one timer are serialised by its owner.
//   T4  Whoever arms a timer earlier than all others wakes the watcher (watch.h), which sleeps until the earliest.
// Checked by tests/model/timers_model.cpp; T4 by idle_model.cpp.
#pragma once

#include "base/assert.h"
#include "base/atomic.h"
#include "base/spinlock.h"
#include "sched/wheel.h"

namespace weft::sched {

class timer_set;

struct timer : timer_node {
  using timer_node::timer_node;

  enum class state : std::uint8_t { idle, armed, firing };
  base::atomic<state> phase{state::idle};  // first: it fits behind what the base class ends with
  bool needs_more = false;                 // behind it lies what it fires: it is fetched
  base::atomic<timer_set*> home{nullptr};  // where it is armed
};

class timer_set {
 public:
  // At or before the earliest deadline, and `never` if nothing is armed: for those who decide how long to sleep. It stays
  // where it was when the earliest timer is stopped, until that time has come: most deadlines are stopped, and one look in
  // vain costs less than finding the next one each time.
  [[nodiscard]] std::int64_t next_due() const noexcept { return next_due_.load(base::relaxed); }
  [[nodiscard]] bool due(std::int64_t now_ns) const noexcept { return next_due() <= now_ns; }

  void arm(timer& t, std::int64_t when_ns) noexcept;
  bool disarm(timer& t) noexcept;             // true: it was armed here and will not fire
  // Fires up to 64 of those that are due and returns how many: 0 where next_due() was early. Inside the runtime.
  std::size_t fire_batch(std::int64_t now_ns);
  std::size_t fire_due(std::int64_t now_ns);  // all of them, batch by batch
  void move_all_to(timer_set& other) noexcept;
  [[nodiscard]] std::uint64_t fired() const noexcept { return fired_.load(base::relaxed); }  // since the beginning

 private:
  base::spinlock lock_{base::lock_rank::timers};
  wheel wheel_;                               // guarded by lock_
  base::atomic<std::int64_t> next_due_{wheel::never};
  base::atomic<std::uint64_t> fired_{0};      // written under lock_
};

// Inlined: each frame would be another line of a sleeper's stack, out of cache.
[[gnu::always_inline]] inline void timer_set::arm(timer& t, std::int64_t when_ns) noexcept {
  base::locked hold(lock_);
  weft_assert(t.phase.load(base::relaxed) == timer::state::idle, "a timer was started twice");
  t.home.store(this, base::relaxed);
  t.phase.store(timer::state::armed, base::relaxed);
  wheel_.add(t, when_ns);
  if (when_ns < next_due_.load(base::relaxed)) next_due_.store(when_ns, base::relaxed);
}

// When what lasts for `delay_ns` from now on is over, by the caller's clock; no sooner, and INT64_MAX beyond the end of time.
std::int64_t due_in(std::int64_t delay_ns) noexcept;

// Arms an idle timer on the caller's processor. Callable from any goroutine or thread. Allocates nothing.
void start_timer(timer& t, std::int64_t when_ns);

// Its two halves, for those who arm under a lock of their own: first this, then timer_armed() (watch.h) without the lock.
void arm_timer(timer& t, std::int64_t when_ns) noexcept;  // REQUIRES: the runtime has started

// True: it was armed and will not fire. False: it was idle, or fired meanwhile; either way `fire` is not running (T2).
bool stop_timer(timer& t) noexcept;

inline void done_firing(timer& t) noexcept { t.phase.store(timer::state::idle, base::release); }

}  // namespace weft::sched
