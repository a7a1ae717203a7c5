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
#include <weft/detail/exploring.h>
#include <weft/detail/keep_frame.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/stack_page.h>
#include <weft/detail/waiter.h>

namespace weft {

namespace detail {
struct inspector;  // sync/inspect.h
}

class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock() {                      // blocks
    std::uintptr_t free = 0;
    if (sched::exploring()) [[unlikely]] lock_at_point();
    else if (state_.compare_exchange_strong(free, locked_from_here(), base::acquire, base::relaxed)) [[likely]] return;
    else lock_slow();
    detail::keep_frame();
  }
  bool try_lock() noexcept;          // never blocks
  void unlock() { unlock_from(locked_from_here()); }

 private:
  friend class cond;
  friend struct detail::inspector;
  static constexpr std::uintptr_t locked = 1;  // of state_; all its bits: sync/mutex.cpp
  [[gnu::always_inline]] static std::uintptr_t locked_from_here() noexcept { return detail::stack_page() + locked; }
  [[gnu::cold, gnu::noinline]] void lock_at_point();    // in an exploration of schedules: sched/seam.h
  bool try_lock_now() noexcept;
  void lock_slow();
  std::uintptr_t announce() noexcept;
  void unlock_from(std::uintptr_t held);
  void unlock_with_care(std::uintptr_t held);
  void unlock_slow(std::uintptr_t seen);
  std::uintptr_t count_calm(std::uintptr_t seen) noexcept;

  base::atomic<std::uintptr_t> state_{0};  // bits: sync/mutex.cpp
  base::spinlock queue_lock_{base::lock_rank::sync};
  std::uint16_t calm_ = 0;                // the holder's: X8
  std::uint16_t wanted_ = 8;
  detail::waiter_queue waiters_;          // guarded by queue_lock_
};

}  // namespace weft
