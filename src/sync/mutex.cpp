// Mutex: one word for the uncontended case, a FIFO of waiters behind a spin lock for the rest. After Go's sync.Mutex.
//
// The word: bit 0 locked; bit 1 waiters: the queue is, or is about to be, not empty; bit 2 starving: unlock hands the lock
// over. An uncontended lock or unlock is one compare-and-swap or one exchange-add.
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
// Refused: always handing over (every unlock under contention becomes a switch: convoys).
// Checked by tests/model/mutex_model.cpp.
#include <weft/mutex.h>

#include "base/assert.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/worker.h"

namespace weft {

namespace {

enum : std::uint32_t { waiters = 2, starving = 4 };
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
  std::uint32_t seen = state_.load(base::relaxed);
  while (!(seen & (locked | starving)))
    if (state_.compare_exchange_weak(seen, seen | locked, base::acquire, base::relaxed)) return true;
  return false;
}

void mutex::lock_slow() {
  sched::checkpoint();
  for (int i = 0; i < spins; ++i) {  // the holder may be about to unlock, on another processor
    if (!(state_.load(base::relaxed) & locked) && try_lock_now()) return;
    base::pause();
  }
  std::int64_t waiting_since = 0;
  while (true) {
    detail::waiter me;
    {
      base::locked hold(queue_lock_);
      std::uint32_t seen = state_.fetch_or(waiters, base::relaxed);  // X2
      const bool overdue = waiting_since != 0 && sched::now_ns() - waiting_since > starving_ns;
      if (!(seen & locked) && (!(seen & starving) || overdue)) {
        if (!(state_.fetch_or(locked, base::acquire) & locked)) {
          if (waiters_.empty()) state_.fetch_and(~std::uint32_t{waiters | starving}, base::relaxed);
          return;
        }
      }
      if (overdue) state_.fetch_or(starving, base::relaxed);
      me.who = sched::self();
      if (waiting_since != 0) waiters_.push_front(me);
      else waiters_.push_back(me);
    }
    if (waiting_since == 0) waiting_since = sched::now_ns();
    sched::park(sched::wait_reason::mutex_lock, this);
    if (!me.success) continue;
    if (sched::now_ns() - waiting_since < starving_ns) {  // handed over, locked stayed set (X1); nobody starves any more
      base::locked hold(queue_lock_);
      state_.fetch_and(~std::uint32_t{starving}, base::relaxed);
    }
    return;
  }
}

void mutex::unlock_at_point() {
  sched::point("mutex unlock");
  std::uint32_t held = locked;
  if (!state_.compare_exchange_strong(held, 0, base::release, base::relaxed)) unlock_slow(held);
}

void mutex::unlock_slow(std::uint32_t seen) {
  if (!(seen & locked)) base::fatal("unlock of unlocked weft::mutex at %p", static_cast<void*>(this));
  while (true) {
    detail::waiter* first;
    {
      base::locked hold(queue_lock_);
      first = waiters_.pop();
      const bool hand_over = first && (state_.load(base::relaxed) & starving);
      if (waiters_.empty()) state_.fetch_and(~std::uint32_t{waiters | starving}, base::relaxed);
      if (first) first->success = hand_over;
    }
    // X4: *this may be gone as soon as `locked` is cleared, so that comes last.
    if (first) {
      detail::sleeper* next = first->who;
      if (!first->success) state_.fetch_and(~std::uint32_t{locked}, base::release);
      return sched::ready(next);
    }
    // GCOVR_EXCL_START: the waiter has the lock by now; a race that tests/model/mutex_model.cpp brings about
    std::uint32_t alone = locked;
    if (state_.compare_exchange_strong(alone, 0, base::release, base::relaxed)) return;
    // GCOVR_EXCL_STOP
  }
}

}  // namespace weft
