// Waits for a set of goroutines to finish.
//
//   weft::wait_group wg;
//   for (auto& job : jobs) wg.go([&] { work(job); });
//   wg.wait();
//
// What happens before done() happens before the return of the wait() that it releases. A wait_group may be reused once
// all earlier wait() calls have returned, and may be destroyed as soon as wait() has returned.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include <weft/detail/atomic.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>
#include <weft/runtime.h>

namespace weft {

class wait_group {
 public:
  constexpr wait_group() noexcept = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  // Throws misuse when the counter would become negative; the counter then keeps its value.
  void add(int n);
  void done() { add(-1); }
  void wait();  // blocks while the counter is above zero

  // add(1), then f in a goroutine of its own, then done(). f and what it holds are destroyed before done().
  template <class F>
  [[gnu::always_inline]] void go(F&& f) {
    add(1);
    detail::newborn* task;
    try {
      task = detail::make_newborn([this, function = std::decay_t<F>(std::forward<F>(f))]() mutable {
        {
          auto call = std::move(function);
          static_cast<void>(std::invoke(std::move(call)));
        }
        done();
      });
    } catch (...) {
      done();
      throw;
    }
    detail::spawn(task);
  }

 private:
  [[gnu::cold, gnu::noinline]] void add_at_point(int n);  // in an exploration of schedules: sched/seam.h
  void add_now(int n);
  void release_waiters();

  base::atomic<std::uint64_t> state_{0};  // counter in the upper half, waiters in the lower: sync/wait_group.cpp
  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue waiters_;          // guarded by queue_lock_
};

}  // namespace weft
