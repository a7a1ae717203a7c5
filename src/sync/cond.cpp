#include <weft/cond.h>

#include <weft/error.h>

#include "base/race.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

namespace {

void check_owner(const std::unique_lock<mutex>& lock) {
  if (!lock.owns_lock()) throw misuse("cond::wait: the lock does not hold its mutex");
}

}  // namespace

void cond::wait_in_turn(std::unique_lock<mutex>& lock) {
  check_owner(lock);
  base::race::release(&lock.mutex()->state_);  // what mutex::unlock() and lock() say in code that is instrumented
  sched::point("cond wait");
  detail::waiter me;
  me.who = sched::self();
  {
    base::locked hold(queue_lock_);
    waiters_.push_back(me);
    has_waiters_.store(true, base::relaxed);
  }
  lock.unlock();
  sched::park(sched::wait_reason::cond_wait, this);
  lock.lock();
  base::race::acquire(&lock.mutex()->state_);
}

std::cv_status cond::wait_in_turn(std::unique_lock<mutex>& lock, clock::time_point deadline) {
  check_owner(lock);
  base::race::release(&lock.mutex()->state_);  // what mutex::unlock() and lock() say in code that is instrumented
  sched::point("cond wait");
  enum : std::uint32_t { notified = 1, timed_out = 2 };
  base::atomic<std::uint32_t> claim{0};
  detail::waiter me;
  me.who = sched::self();
  me.claim = &claim;
  me.index = notified;
  {
    base::locked hold(queue_lock_);
    waiters_.push_back(me);
    has_waiters_.store(true, base::relaxed);
  }
  lock.unlock();
  sched::park_until(deadline.time_since_epoch().count(), claim, timed_out, sched::wait_reason::cond_wait, this);
  const bool late = claim.load(base::acquire) == timed_out;
  if (late) {
    base::locked hold(queue_lock_);
    waiters_.remove(me);
    has_waiters_.store(!waiters_.empty(), base::relaxed);
  }
  lock.lock();
  base::race::acquire(&lock.mutex()->state_);
  return late ? std::cv_status::timeout : std::cv_status::no_timeout;
}

void cond::notify_one() {
  sched::point("cond notify one");
  if (!has_waiters_.load(base::acquire)) return;
  detail::waiter* first;
  {
    base::locked hold(queue_lock_);
    first = waiters_.pop();
    has_waiters_.store(!waiters_.empty(), base::relaxed);
  }
  if (first) sched::ready(first->who);
}

void cond::notify_all() {
  sched::point("cond notify all");
  if (!has_waiters_.load(base::acquire)) return;
  detail::waiter* all = nullptr;
  detail::waiter** end = &all;
  {
    base::locked hold(queue_lock_);
    while (detail::waiter* w = waiters_.pop()) {
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
    has_waiters_.store(false, base::relaxed);
  }
  sched::ready_all(all);
}

}  // namespace weft
