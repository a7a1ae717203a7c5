// A lock for critical sections of a few dozen instructions: one locked instruction to take, a plain store to release.
//
// Its holder never parks, allocates, readies, calls back or writes to a file while it holds it. A holder can still be
// descheduled by the kernel, so a waiter spins briefly, then lets the kernel run somebody else.
//
// Each lock has a rank. A thread takes locks only in the order of the table below; builds with WEFT_LOCK_CHECKS (debug) check it.
// Checked by tests/model/spinlock_model.cpp.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>
#include <weft/detail/pause.h>

namespace weft::base {

// The one list of runtime locks, in order of acquisition: a thread that holds one may only take those further down.
enum class lock_rank : std::uint8_t {
  context_tree,  // context/context.cpp: a node's children; parent before child
  timer_handle,  // time/timer.cpp: one timer, ticker or after_func
  channel,       // chan/core.h; select takes several, in order of address
  sync,          // sync/*.cpp: a primitive's queue of waiters
  seize,         // sched/worker.h: one outsider at a time
  timers,        // sched/timers.h: one processor's timers
  idle,          // sched/idle.h: idle processors and workers, inject queue
  memory,        // stack/depot.cpp, sched/newborn.cpp: shared free lists
  leaf,          // anything that takes no other lock
};

#ifndef WEFT_LOCK_CHECKS
inline void note_locked(lock_rank) noexcept {}
inline void note_unlocked(lock_rank) noexcept {}
#else
void note_locked(lock_rank) noexcept;    // dies when a lock of a later rank is held
void note_unlocked(lock_rank) noexcept;
#endif

class spinlock {
 public:
  constexpr explicit spinlock(lock_rank rank = lock_rank::leaf) noexcept : rank_(rank) {}
  spinlock(const spinlock&) = delete;
  spinlock& operator=(const spinlock&) = delete;

  void lock() noexcept {
    if (held_.exchange(1, acquire) != 0) [[unlikely]] lock_contended();
    note_locked(rank_);
  }
  bool try_lock() noexcept {
    if (held_.load(relaxed) != 0 || held_.exchange(1, acquire) != 0) return false;
    note_locked(rank_);
    return true;
  }
  void unlock() noexcept {
    note_unlocked(rank_);
    held_.store(0, release);
  }

 private:
  [[gnu::noinline, gnu::cold]] void lock_contended() noexcept;

  atomic<std::uint8_t> held_{0};
  lock_rank rank_;
};

// std::lock_guard without <mutex>.
template <class Lock>
class [[nodiscard]] locked {
 public:
  explicit locked(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~locked() { lock_.unlock(); }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;

 private:
  Lock& lock_;
};

}  // namespace weft::base
