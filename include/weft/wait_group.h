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
#include <utility>

#include <weft/detail/keep_frame.h>
#include <weft/detail/group.h>
#include <weft/detail/spinlock.h>
#include <weft/detail/waiter.h>
#include <weft/runtime.h>

namespace weft {

namespace detail {
struct inspector;  // sync/inspect.h
}

class wait_group : detail::group {
 public:
  constexpr wait_group() noexcept : group(release) {}
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  // Throws misuse when the counter would become negative; the counter then keeps its value.
  void add(int n);
  void done() { add(-1); }
  void wait() { wait_in_turn(); detail::keep_frame(); }  // blocks while the counter is above zero

  // add(1), then f in a goroutine of its own, then done(). f and what it holds, and the goroutine's weft::local values, are
  // destroyed before done(). If it cannot be started (copying f throws, no memory) nothing is added.
  template <class F>
  [[gnu::always_inline]] void go(F&& f) {
    using closure = detail::closure_of<F>;
    if constexpr (detail::is_small<closure>)
      detail::spawn_small_into_group(detail::small_kind_of<closure>,
                                     detail::small_closure<closure>({std::forward<F>(f)}).words, *this);
    else
      detail::spawn_into_group(detail::make_newborn(std::forward<F>(f)), *this);
    base::compiler_fence();  // as weft::go
  }

 private:
  friend struct detail::inspector;
  [[gnu::cold, gnu::noinline]] void add_at_point(int n);  // in an exploration of schedules: sched/seam.h
  void add_now(int n);
  void wait_in_turn();
  void wait_the_long_way();
  void wait_as(detail::sleeper* me);
  void wait_among_others();
  void take_as_last(int n);
  bool wake_all(std::uint64_t word);
  static void release(detail::group&) noexcept;

  base::spinlock queue_lock_{base::lock_rank::sync};
  detail::waiter_queue waiters_;          // guarded by queue_lock_; all but the first
};

}  // namespace weft
