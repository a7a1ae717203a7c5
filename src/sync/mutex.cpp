// Mutex: one word for the uncontended case, a FIFO of waiters behind a spin lock for the rest. After Go's sync.Mutex.
//
// The word: bit 0 locked; bit 1 waiters: the queue is, or is about to be, not empty; bit 2 starving: unlock hands the lock
// over. The upper bits are 0 in a free lock; in one that is held they are the page of the stack from which it was locked
// (detail/stack_page.h), for reports of deadlocks. An uncontended lock or unlock is one compare-and-swap. Unlock expects
// the page it stands on; if it was locked from another one, a second compare-and-swap follows.
//
// In normal mode unlock wakes the first waiter, which competes with newcomers: they are on a CPU and usually win, which
// keeps the lock busy. A waiter that wakes up in vain after more than starving_ns goes back to the front of the queue and
// sets the starving bit: from then on unlock hands the lock to the first waiter directly, and newcomers queue, until the
// queue is empty or a waiter had waited for less.
//
//   X1  locked is cleared only by unlock, and not at all when the lock is handed over.
//   X2  waiters is set before a waiter parks and under queue_lock_; whoever sees it on unlock looks at the queue.
//   X3  Only the spin lock's holder changes bits 1 and 2.
//   X4  unlock does not touch the mutex after it has cleared or handed over `locked`: the next owner may destroy it. A
//       waiter that queues meanwhile finds `locked` set, and is woken by the one that unlock wakes, or by another round.
//   X5  Whoever was woken takes a free lock, also if somebody has begun to starve since unlock chose whom to wake: nobody
//       else is left to hand it over.
//   X6  Where the lock is met held again and again, two processors only pass its cache line to and fro. There a goroutine
//       parks without spinning, and unlock makes it runnable on its own processor and tells no other: so all that want the
//       lock come together on one processor, where it is never met held (sched/sharing.h, S5).
// Refused: always handing over (every unlock under contention becomes a switch: convoys); the holder in a word of its own (a
// store between two locked instructions has to leave the store buffer before the second: 2.4 ns of 12.5); the goroutine
// instead of the page (two loads that wait for each other, before each compare-and-swap).
// Checked by tests/model/mutex_model.cpp.
#include <weft/mutex.h>

#include "base/assert.h"
#include "base/race.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/worker.h"

namespace weft {

namespace {

enum : std::uintptr_t { waiters = 2, starving = 4 };
constexpr std::uintptr_t queue_bits = waiters | starving;
constexpr std::int64_t starving_ns = 1'000'000;
constexpr int spins = 30;

}  // namespace

void mutex::lock_at_point() {
  sched::point("mutex lock");
  if (!try_lock_now()) lock_slow();
}

bool mutex::try_lock() noexcept {
  sched::point("mutex try lock");
  return try_lock_now();
}

bool mutex::try_lock_now() noexcept {
  std::uintptr_t seen = state_.load(base::relaxed);
  while (!(seen & (locked | starving)))
    if (state_.compare_exchange_weak(seen, seen | locked_from_here(), base::acquire, base::relaxed)) {
      base::race::acquire(&state_);
      return true;
    }
  return false;
}

void mutex::lock_slow() {
  sched::checkpoint();
  const bool crowded = (state_.load(base::relaxed) & locked) && sched::note_contention();  // X6
  for (int i = 0; i < spins && !crowded; ++i) {  // the holder may be about to unlock, on another processor
    if (!(state_.load(base::relaxed) & locked) && try_lock_now()) return;
    base::pause();
  }
  std::int64_t waiting_since = 0;
  while (true) {
    detail::waiter me;
    {
      base::locked hold(queue_lock_);
      std::uintptr_t seen = state_.fetch_or(waiters, base::relaxed) | waiters;  // X2
      const bool overdue = waiting_since != 0 && sched::now_ns() - waiting_since > starving_ns;
      if (!(seen & locked) && (!(seen & starving) || waiting_since != 0)) {  // X5
        if (state_.compare_exchange_strong(seen, seen | locked_from_here(), base::acquire, base::relaxed)) {
          base::race::acquire(&state_);
          if (waiters_.empty()) state_.fetch_and(~queue_bits, base::relaxed);
          return;
        }
      }
      if (overdue) state_.fetch_or(starving, base::relaxed);
      me.who = sched::self();
      me.value = crowded ? this : nullptr;
      if (waiting_since != 0) waiters_.push_front(me);
      else waiters_.push_back(me);
    }
    if (waiting_since == 0) waiting_since = sched::now_ns();
    sched::park(sched::wait_reason::mutex_lock, this);
    if (!me.success) continue;
    base::race::acquire(&state_);
    if (sched::now_ns() - waiting_since < starving_ns) {  // handed over, locked stayed set (X1); nobody starves any more
      base::locked hold(queue_lock_);
      state_.fetch_and(~std::uintptr_t{starving}, base::relaxed);
    }
    return;
  }
}

void mutex::unlock_at_point() {
  sched::point("mutex unlock");
  base::race::release(&state_);
  std::uintptr_t held = locked_from_here();
  if (!state_.compare_exchange_strong(held, 0, base::release, base::relaxed)) unlock_slow(held);
}

void mutex::unlock_slow(std::uintptr_t seen) {
  if (!(seen & locked)) base::fatal("unlock of unlocked weft::mutex at %p", static_cast<void*>(this));
  base::race::release(&state_);
  while (true) {
    while (!(seen & waiters))  // locked from another page, or the waiter has the lock by now
      if (state_.compare_exchange_weak(seen, 0, base::release, base::relaxed)) return;
    detail::waiter* first;
    {
      base::locked hold(queue_lock_);
      first = waiters_.pop();
      std::uintptr_t word = state_.load(base::relaxed);  // nobody else changes it: X3, and it is locked
      const bool hand_over = first && (word & starving);
      if (waiters_.empty()) word &= ~queue_bits;
      if (hand_over) word = detail::stack_page_of(first) | (word & (locked | queue_bits));  // a waiter lies on its owner's stack
      if (first) first->success = hand_over;
      state_.store(word, base::relaxed);
    }
    // X4: *this may be gone as soon as `locked` is cleared, so that comes last.
    if (first) {
      detail::sleeper* next = first->who;
      const bool crowded = first->value;
      if (!first->success) state_.fetch_and(queue_bits, base::release);
      return crowded ? sched::ready_here(next) : sched::ready(next);
    }
    seen = state_.load(base::relaxed);
  }
}

}  // namespace weft
