#include <weft/semaphore.h>

#include <string>

#include "base/race.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

void semaphore::check(std::int64_t n, const char* operation) const {
  if (n < 0) throw misuse(std::string(operation) + ": a negative number of units");
  if (n > capacity_) throw misuse(std::string(operation) + ": more units than the semaphore has");
}

bool semaphore::try_acquire(std::int64_t n) {
  check(n, "semaphore::try_acquire");
  sched::point("semaphore try acquire");
  base::locked hold(queue_lock_);
  if (!waiters_.empty() || available_ < n) return false;
  available_ -= n;
  base::race::acquire(this);
  return true;
}

void semaphore::acquire_in_turn(std::int64_t n) {
  check(n, "semaphore::acquire");
  sched::point("semaphore acquire");
  sched::checkpoint();
  detail::waiter me;
  {
    base::locked hold(queue_lock_);
    if (waiters_.empty() && available_ >= n) {
      available_ -= n;
      return base::race::acquire(this);
    }
    me.who = sched::self();
    me.value = &n;
    waiters_.push_back(me);
  }
  sched::park(sched::wait_reason::semaphore_acquire, this);
  base::race::acquire(this);
}

void semaphore::release(std::int64_t n) {
  check(n, "semaphore::release");
  sched::point("semaphore release");
  base::race::release(this);
  detail::waiter* granted = nullptr;
  bool is_too_much;
  {
    base::locked hold(queue_lock_);
    is_too_much = available_ + n > capacity_;
    if (!is_too_much) available_ += n;
    granted = take_granted();
  }
  sched::ready_all(granted);
  if (is_too_much) throw misuse("semaphore::release: more units than were acquired");
}

// Serves waiters in order while units last. REQUIRES: queue_lock_ held.
detail::waiter* semaphore::take_granted() noexcept {
  detail::waiter* granted = nullptr;
  detail::waiter** end = &granted;
  while (detail::waiter* first = waiters_.front()) {
    const std::int64_t wanted = *static_cast<std::int64_t*>(first->value);
    if (first->claim && first->claim->load(base::acquire) != 0) {  // cancelled: its owner is on its way
      waiters_.remove(*first);
      continue;
    }
    if (wanted > available_) break;
    waiters_.remove(*first);
    if (!detail::waiter_queue::claim(*first)) continue;
    available_ -= wanted;
    first->success = true;
    first->next = nullptr;
    *end = first;
    end = &first->next;
  }
  return granted;
}

}  // namespace weft
