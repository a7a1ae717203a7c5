// Mutual exclusion for goroutines and threads.
//
//   weft::mutex m;
//   { std::lock_guard hold(m); ++shared; }
//
// Lockable: works with std::lock_guard, std::unique_lock and std::scoped_lock. It belongs to no thread: another goroutine
// may unlock it. A goroutine that has waited for more than a millisecond is handed the lock ahead of newcomers. Unlock of
// an unlocked mutex aborts the process with a dump.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>

namespace weft {

class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock();                       // blocks
  bool try_lock() noexcept;          // never blocks
  void unlock();

 private:
  friend class cond;
  [[gnu::cold, gnu::noinline]] void lock_at_point();    // in an exploration of schedules: sched/seam.h
  [[gnu::cold, gnu::noinline]] void unlock_at_point();
  bool try_lock_now() noexcept;
  void lock_slow();
  void unlock_slow(std::uint32_t seen);

  base::atomic<std::uint32_t> state_{0};  // bits: sync/mutex.cpp
  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue waiters_;          // guarded by queue_lock_
};

}  // namespace weft
