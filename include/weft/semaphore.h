// A weighted, FIFO semaphore.
//
//   weft::semaphore slots(8);
//   slots.acquire();  work();  slots.release();
//
// A waiter that wants much is not overtaken by later ones that want little.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>
#include <weft/detail/keep_frame.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>
#include <weft/error.h>

namespace weft {

namespace detail {
struct inspector;  // sync/inspect.h
}

class context;

class semaphore {
 public:
  explicit constexpr semaphore(std::int64_t available) noexcept : capacity_(available), available_(available) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  // Blocks until n units are free and nobody waits before us. Throws misuse when n is negative or above the initial
  // number of units, which could never be served.
  void acquire(std::int64_t n = 1) { acquire_in_turn(n); detail::keep_frame(); }
  // As above; gives up when ctx is cancelled, with its error, holding nothing.
  result<void> acquire(const context& ctx, std::int64_t n = 1) {
    auto result = acquire_in_turn(ctx, n);
    detail::keep_frame();
    return result;
  }
  bool try_acquire(std::int64_t n = 1);  // never blocks, never overtakes
  void release(std::int64_t n = 1);      // throws misuse when more is released than was acquired

 private:
  friend struct detail::inspector;
  void acquire_in_turn(std::int64_t n);
  result<void> acquire_in_turn(const context& ctx, std::int64_t n);
  void check(std::int64_t n, const char* operation) const;
  detail::waiter* take_granted() noexcept;

  const std::int64_t capacity_;
  base::spinlock queue_lock_{base::lock_rank::sync};
  std::int64_t available_;         // guarded by queue_lock_
  detail::waiter_queue waiters_;   // guarded by queue_lock_; value points to the units wanted
};

}  // namespace weft
