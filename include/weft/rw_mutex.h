// Many readers or one writer.
//
//   weft::rw_mutex m;
//   { std::shared_lock reading(m); use(table); }
//   { std::unique_lock writing(m); change(table); }
//
// SharedLockable. A waiting writer stops new readers; when it unlocks, the readers that waited meanwhile go first, so
// neither side starves. A goroutine must not take the read lock twice: a writer between the two would deadlock it. Unlock
// of what is not locked aborts the process with a dump.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>

namespace weft {

class rw_mutex {
 public:
  constexpr rw_mutex() noexcept = default;
  rw_mutex(const rw_mutex&) = delete;
  rw_mutex& operator=(const rw_mutex&) = delete;

  void lock();
  bool try_lock() noexcept;
  void unlock();

  void lock_shared();
  bool try_lock_shared() noexcept;
  void unlock_shared();

 private:
  [[gnu::cold, gnu::noinline]] void lock_at_point();    // in an exploration of schedules: sched/seam.h
  [[gnu::cold, gnu::noinline]] void unlock_at_point();
  [[gnu::cold, gnu::noinline]] void lock_shared_at_point();
  [[gnu::cold, gnu::noinline]] void unlock_shared_at_point();
  void lock_slow();
  void unlock_slow();
  void lock_shared_slow();
  bool try_lock_shared_now() noexcept;
  void unlock_now();
  void unlock_shared_now();
  bool unlock_shared_slow();

  base::atomic<std::uint32_t> state_{0};  // bits: sync/rw_mutex.cpp
  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue readers_;          // guarded by queue_lock_
  detail::waiter_queue writers_;          // guarded by queue_lock_
};

}  // namespace weft
