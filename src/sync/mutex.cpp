// Mutex: one word for the uncontended case, a FIFO of waiters behind a spin lock for the rest. After Go's sync.Mutex.
//
// The word: bit 0 locked; bit 1 waiters: the queue is, or is about to be, not empty; bit 2 starving: unlock hands the lock
// over; bit 3 careful: unlock must not store. The upper bits are 0 in a free lock; in one that is held they are the page of
// the stack from which it was locked (detail/stack_page.h), for reports of deadlocks. An uncontended lock is one
// compare-and-swap, and the unlock a store (sync/restartable.h): half of what two compare-and-swaps take. Unlock expects the
// page it stands on; if it was locked from another one, or the mutex is careful, it is a compare-and-swap.
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
//   X7  A store of unlock() overwrites what others have changed in the word since it looked. Nobody changes the word of a
//       held mutex but who is about to queue: that sets `careful`, which makes every later unlock compare and swap, and goes
//       on only when `careful` has outlived a restart_all() (RS2). While it is set all changes are as if there were no
//       stores.
//   X8  A careful mutex becomes an ordinary one when it has been unlocked `wanted_` times in a row without waiters; each time
//       that it became careful again that is eight times as much. So the restarts of any program cost less than what the
//       stores have saved, but for the first few of each mutex. `calm_` and `wanted_` are touched while holding it.
//   X9  Who locks in an exploration of schedules makes the mutex careful, so that its unlock is a point as well.
// Refused: always handing over (every unlock under contention becomes a switch: convoys); the holder in a word of its own (a
// store between two locked instructions has to leave the store buffer before the second: 2.4 ns of 12.5); the goroutine
// instead of the page (two loads that wait for each other, before each compare-and-swap); looking for waiters after the store
// (the mutex may be gone: X4); a bias to one worker (a mutex is mostly about several, and locking it would have to be inlined).
// Checked by tests/model/mutex_model.cpp.
#include <weft/mutex.h>

#include <algorithm>

#include "base/assert.h"
#include "base/race.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/worker.h"
#include "sync/restartable.h"

namespace weft {

namespace {

enum : std::uintptr_t { waiters = 2, starving = 4, careful = 8 };
constexpr std::uintptr_t queue_bits = waiters | starving;
constexpr std::int64_t starving_ns = 1'000'000;
constexpr int spins = 30;
constexpr std::uint16_t most_wanted = 1 << 14;

}  // namespace

void mutex::lock_at_point() {
  sched::point("mutex lock");
  if (!try_lock_now()) lock_slow();
  state_.fetch_or(careful, base::relaxed);  // X9
}

bool mutex::try_lock() noexcept {
  sched::point("mutex try lock");
  if (!try_lock_now()) return false;
  if (sched::exploring()) state_.fetch_or(careful, base::relaxed);  // X9
  return true;
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

// X2 and X7. REQUIRES: queue_lock_ held. Returns the word, in which `waiters` and `careful` stay until the holder sees them.
std::uintptr_t mutex::announce() noexcept {
  std::uintptr_t seen = state_.fetch_or(waiters | careful, base::relaxed);
  while (!(seen & careful)) {
    restart_all();
    seen = state_.fetch_or(waiters | careful, base::relaxed);
  }
  return seen | waiters;
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
      std::uintptr_t seen = announce();
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

void mutex::unlock_from(std::uintptr_t held) {
  base::race::release(&state_);
  if (!store_if_still(state_, held, 0)) [[unlikely]] unlock_with_care(held);
}

[[gnu::noinline]] void mutex::unlock_with_care(std::uintptr_t held) {
  sched::point("mutex unlock");
  if (!state_.compare_exchange_strong(held, 0, base::release, base::relaxed)) unlock_slow(held);
}

// X8, by the holder of a careful mutex: what the word is to become if it lets go and nobody waits.
std::uintptr_t mutex::count_calm(std::uintptr_t seen) noexcept {
  if (calm_ == 0) wanted_ = static_cast<std::uint16_t>(std::min<int>(8 * wanted_, most_wanted));  // since it became careful
  if (calm_ == 0 || (seen & waiters)) calm_ = 1;
  if (calm_++ < wanted_) return careful;
  calm_ = 0;
  return 0;
}

void mutex::unlock_slow(std::uintptr_t seen) {
  if (!(seen & locked)) base::fatal("unlock of unlocked weft::mutex at %p", static_cast<void*>(this));
  const std::uintptr_t free = seen & careful ? count_calm(seen) : 0;
  while (true) {
    while (!(seen & waiters))  // careful, locked from another page, or the waiter has the lock by now
      if (state_.compare_exchange_weak(seen, free, base::release, base::relaxed)) return;
    detail::waiter* first;
    {
      base::locked hold(queue_lock_);
      first = waiters_.pop();
      std::uintptr_t word = state_.load(base::relaxed);  // nobody else changes it: X3, and it is locked
      const bool hand_over = first && (word & starving);
      if (waiters_.empty()) word &= ~queue_bits;
      if (hand_over) word = detail::stack_page_of(first) | (word & (locked | careful | queue_bits));  // a waiter lies on its owner's stack
      if (first) first->success = hand_over;
      state_.store(word, base::relaxed);
    }
    // X4: *this may be gone as soon as `locked` is cleared, so that comes last.
    if (first) {
      detail::sleeper* next = first->who;
      const bool crowded = first->value;
      if (!first->success) state_.fetch_and(careful | queue_bits, base::release);
      return crowded ? sched::ready_here(next) : sched::ready(next);
    }
    seen = state_.load(base::relaxed);
  }
}

}  // namespace weft
