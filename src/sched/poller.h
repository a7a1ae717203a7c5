// What the scheduler knows of the poller. poll/ registers a real one when the first descriptor is opened; until then, and
// for ever in a program without descriptors, idle workers sleep on a futex.
#pragma once

#include <cstdint>

#include <weft/detail/waiter.h>

namespace weft::sched {

// Sleepers whose waiters were claimed and that are to be made runnable, in order; linked through waiter::next.
class ready_list {
 public:
  void push_back(detail::waiter& claimed) noexcept {
    claimed.next = nullptr;
    (last_ ? last_->next : first_) = &claimed;
    last_ = &claimed;
  }
  [[nodiscard]] detail::waiter* first() const noexcept { return first_; }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

 private:
  detail::waiter* first_ = nullptr;
  detail::waiter* last_ = nullptr;
};

class poller {
 public:
  virtual ~poller() = default;
  // Blocks until something is ready, `deadline_ns` has come, or wake() was called, and returns whom to make runnable. One
  // caller at a time, a worker without a processor. A wake() before the call is not lost. May return for no reason.
  virtual ready_list wait(std::int64_t deadline_ns) = 0;
  virtual ready_list poll() = 0;                 // the same without blocking; from several threads at once
  virtual void wake() = 0;                       // from any thread
  [[nodiscard]] virtual bool armed() const = 0;  // something is registered that may become ready; one load

  // Somebody waits for what is registered, or was taken out by wait() and may not be runnable yet. Exact and slow: for the
  // deadlock detector, which asks while nobody can begin to wait.
  [[nodiscard]] virtual bool awaited() const = 0;
};

// Any time, once. The poller lives for ever.
void register_poller(poller* instance) noexcept;
poller& current_poller() noexcept;

}  // namespace weft::sched
