#include "poll/gate.h"

#include "base/assert.h"
#include "sched/schedule.h"

namespace weft::poll {

void gate::open() noexcept {
  weft_assert(is_free(word_.load(base::relaxed)), "a descriptor is reused while in use");
  word_.store(kept_bit, base::release);
}

bool gate::enter() noexcept {
  std::uint32_t now = word_.load(base::relaxed);
  do {
    if (now & shut_bit) return false;
  } while (!word_.compare_exchange_weak(now, now + one_user, base::acq_rel, base::relaxed));
  return true;
}

bool gate::leave() noexcept {
  std::uint32_t now = word_.load(base::relaxed);
  do {
    if (is_last(now)) {
      base::thread_fence(base::acquire);  // what users did before they left comes before what the last one does
      return false;
    }
  } while (!word_.compare_exchange_weak(now, now - one_user, base::acq_rel, base::relaxed));
  return true;
}

outcome gate::take_turn(direction d, const patience& limits) {
  std::uint32_t now = word_.load(base::relaxed);
  do {
    if (now & shut_bit) return outcome::closed;
    if (now & busy(d)) [[unlikely]] return queue_for_turn(d, limits);
  } while (!word_.compare_exchange_weak(now, (now + one_user) | busy(d), base::acq_rel, base::relaxed));
  return outcome::ready;
}

bool gate::give_turn(direction d) {
  std::uint32_t now = word_.load(base::relaxed);
  while (true) {
    if (now & queued(d)) [[unlikely]] {
      if (hand_turn_on(d)) return true;  // with our place among the users
      now = word_.load(base::relaxed);
      continue;
    }
    const bool must_finish = is_last(now);
    const std::uint32_t after = (must_finish ? now : now - one_user) & ~busy(d);
    if (word_.compare_exchange_weak(now, after, base::acq_rel, base::relaxed)) return !must_finish;
  }
}

outcome gate::queue_for_turn(direction d, const patience& limits) {
  sleep rest(limits);
  {
    base::locked hold(lock_);
    std::uint32_t now = word_.load(base::relaxed);
    while (true) {
      if (now & shut_bit) return outcome::closed;
      const bool is_ours = !(now & busy(d));
      const std::uint32_t after = is_ours ? (now + one_user) | busy(d) : now | queued(d);
      if (!word_.compare_exchange_weak(now, after, base::acq_rel, base::relaxed)) continue;
      if (is_ours) return outcome::ready;
      break;
    }
    queues_[static_cast<unsigned>(d)].push_back(rest.request);
  }
  const sleep::end end = rest.park(sched::wait_reason::io_turn, this);
  if (end == sleep::served) return rest.request.success ? outcome::ready : outcome::closed;
  base::locked hold(lock_);
  queues_[static_cast<unsigned>(d)].remove(rest.request);
  return end == sleep::cancelled ? outcome::cancelled : outcome::timed_out;
}

bool gate::hand_turn_on(direction d) {
  detail::waiter* next;
  {
    base::locked hold(lock_);
    auto& queue = queues_[static_cast<unsigned>(d)];
    next = queue.pop();
    if (next) next->success = true;
    if (queue.empty()) word_.fetch_and(~queued(d), base::relaxed);
  }
  if (next) sched::ready(next->who);
  return next != nullptr;
}

bool gate::shut() {
  std::uint32_t now = word_.load(base::relaxed);
  do {
    if (now & shut_bit) return false;
  } while (!word_.compare_exchange_weak(now, (now + one_user) | shut_bit, base::acq_rel, base::relaxed));
  sched::ready_list woken;
  {
    base::locked hold(lock_);
    for (auto& queue : queues_)
      while (detail::waiter* sleeper = queue.pop()) woken.push_back(*sleeper);
  }
  sched::ready_all(woken.first());
  return true;
}

}  // namespace weft::poll
