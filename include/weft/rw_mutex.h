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
#include <weft/detail/keep_frame.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>

namespace weft {

namespace detail {
struct inspector;  // sync/inspect.h
}

class rw_mutex {
 public:
  constexpr rw_mutex() noexcept = default;
  rw_mutex(const rw_mutex&) = delete;
  rw_mutex& operator=(const rw_mutex&) = delete;

  void lock() { lock_in_turn(); detail::keep_frame(); }                // blocks
  bool try_lock() noexcept;
  void unlock() { release(); detail::keep_frame(); }  // on the same page as lock(): detail/stack_page.h

  void lock_shared() { lock_shared_in_turn(); detail::keep_frame(); }  // blocks
  bool try_lock_shared() noexcept;
  void unlock_shared() { release_shared(); detail::keep_frame(); }

 private:
  [[gnu::cold, gnu::noinline]] void lock_at_point();    // in an exploration of schedules: sched/seam.h
  [[gnu::cold, gnu::noinline]] void unlock_at_point();
  [[gnu::cold, gnu::noinline]] void lock_shared_at_point();
  [[gnu::cold, gnu::noinline]] void unlock_shared_at_point();
  void release();
  void release_shared();
  void lock_in_turn();
  void lock_shared_in_turn();
  void lock_slow();
  void unlock_slow(std::uint64_t seen);
  void lock_shared_slow();
  bool try_lock_shared_now() noexcept;
  void unlock_now();
  void unlock_shared_now();
  bool unlock_shared_slow(std::uint64_t page);
  static std::uint64_t page_at(const void* address) noexcept;
  static std::uint64_t page_here() noexcept;
  static std::uint64_t without_reader(std::uint64_t seen, std::uint64_t page) noexcept;
  friend struct detail::inspector;
  // Of state_; the rest of it: sync/rw_mutex.cpp.
  static constexpr std::uint64_t writer = 1, one_reader = 4, all_readers = 0xFFF'FFFC;
  static constexpr unsigned pages_shift = 28;

  base::atomic<std::uint64_t> state_{0};  // bits: sync/rw_mutex.cpp
  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue readers_;          // guarded by queue_lock_
  detail::waiter_queue writers_;          // guarded by queue_lock_
};

}  // namespace weft
