// Condition variable over weft::mutex.
//
//   std::unique_lock hold(m);
//   ready.wait(hold, [&] { return !queue.empty(); });
//
// Waiters are woken in order of arrival. There are no spurious wake-ups, but another goroutine may run between the
// notify and the wake-up: use the forms with a predicate. The mutex need not be held to notify.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <weft/clock.h>
#include <weft/detail/atomic.h>
#include <weft/detail/keep_frame.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>
#include <weft/mutex.h>

namespace weft {

class cond {
 public:
  constexpr cond() noexcept = default;
  cond(const cond&) = delete;
  cond& operator=(const cond&) = delete;

  // Unlocks, blocks until notified, locks again. Throws misuse when `lock` does not hold its mutex.
  void wait(std::unique_lock<mutex>& lock) { wait_in_turn(lock); detail::keep_frame(); }
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate pred) {
    while (!pred()) wait(lock);
  }

  std::cv_status wait_until(std::unique_lock<mutex>& lock, clock::time_point deadline) {
    auto result = wait_in_turn(lock, deadline);
    detail::keep_frame();
    return result;
  }
  std::cv_status wait_for(std::unique_lock<mutex>& lock, clock::duration timeout) {
    return wait_until(lock, clock::now() + timeout);
  }
  // What pred() says at the end.
  template <class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, clock::time_point deadline, Predicate pred) {
    while (!pred())
      if (wait_until(lock, deadline) == std::cv_status::timeout) return pred();
    return true;
  }
  template <class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, clock::duration timeout, Predicate pred) {
    return wait_until(lock, clock::now() + timeout, std::move(pred));
  }

  void notify_one();
  void notify_all();

 private:
  void wait_in_turn(std::unique_lock<mutex>& lock);
  std::cv_status wait_in_turn(std::unique_lock<mutex>& lock, clock::time_point deadline);

  base::atomic<bool> has_waiters_{false}; // written under queue_lock_; notify without waiters takes no lock
  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue waiters_;          // guarded by queue_lock_
};

}  // namespace weft
