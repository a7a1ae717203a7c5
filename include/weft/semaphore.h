// A weighted, FIFO semaphore.
//
//   weft::semaphore slots(8);
//   slots.acquire();  work();  slots.release();
//
// A waiter that wants much is not overtaken by later ones that want little.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>
#include <weft/error.h>

namespace weft {

class context;

class semaphore {
 public:
  explicit constexpr semaphore(std::int64_t available) noexcept : capacity_(available), available_(available) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  // Blocks until n units are free and nobody waits before us. Throws misuse when n is negative or above the initial
  // number of units, which could never be served.
  void acquire(std::int64_t n = 1);
  // As above; gives up when ctx is cancelled, with its error, holding nothing.
  result<void> acquire(const context& ctx, std::int64_t n = 1);
  bool try_acquire(std::int64_t n = 1);  // never blocks, never overtakes
  void release(std::int64_t n = 1);      // throws misuse when more is released than was acquired

 private:
  void check(std::int64_t n, const char* operation) const;
  detail::waiter* take_granted() noexcept;

  const std::int64_t capacity_;
  base::spinlock queue_lock_{base::lock_rank::sync};
  std::int64_t available_;         // guarded by queue_lock_
  detail::waiter_queue waiters_;   // guarded by queue_lock_; value points to the units wanted
};

}  // namespace weft
