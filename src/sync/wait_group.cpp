// wait_group: counter in the upper half of one word, waiters in the lower. done() is one fetch-add until the counter comes
// to zero with somebody waiting.
//
//   WG1  The thread that brings the counter to zero while waiters are counted resets the word and wakes them all; with
//        nobody counted, add() does not touch the wait_group after the word: whoever sees zero may destroy it.
//   WG2  A waiter is counted in the word only after its node is in the queue and under queue_lock_.
// Checked by tests/model/wait_group_model.cpp.
#include <weft/wait_group.h>

#include <weft/error.h>

#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

namespace {

constexpr int counter_shift = 32;
constexpr std::uint64_t waiters_mask = 0xffff'ffff;

constexpr std::int32_t counter(std::uint64_t word) noexcept { return static_cast<std::int32_t>(word >> counter_shift); }

}  // namespace

void wait_group::add(int n) {
  if (sched::exploring()) [[unlikely]] return add_at_point(n);
  add_now(n);
}

void wait_group::add_at_point(int n) {
  sched::point("wait_group add");
  add_now(n);
}

[[gnu::always_inline]] inline void wait_group::add_now(int n) {
  std::uint64_t seen = state_.load(base::relaxed);
  std::uint64_t next;
  do {
    const std::int64_t sum = std::int64_t{counter(seen)} + n;
    if (sum < 0) throw misuse("negative wait_group counter");
    if (sum > 0x7fff'ffff) throw misuse("wait_group counter overflow");
    next = (static_cast<std::uint64_t>(sum) << counter_shift) | (seen & waiters_mask);
  } while (!state_.compare_exchange_weak(seen, next, base::acq_rel, base::relaxed));
  if (counter(next) == 0 && (next & waiters_mask) != 0) release_waiters();
}

void wait_group::release_waiters() {
  detail::waiter* all = nullptr;
  {
    base::locked hold(queue_lock_);
    if (counter(state_.load(base::acquire)) != 0) return;  // reused meanwhile: another release will come
    detail::waiter** end = &all;
    while (detail::waiter* w = waiters_.pop()) {
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
    state_.fetch_and(~waiters_mask, base::release);
  }
  sched::ready_all(all);  // WG1: nothing of *this from here on
}

void wait_group::wait() {
  sched::point("wait_group wait");
  sched::checkpoint();
  if (counter(state_.load(base::acquire)) == 0) return;
  detail::waiter me;
  me.who = sched::self();
  {
    base::locked hold(queue_lock_);
    std::uint64_t seen = state_.load(base::acquire);
    do {
      if (counter(seen) == 0) return;
    } while (!state_.compare_exchange_weak(seen, seen + 1, base::acq_rel, base::acquire));
    waiters_.push_back(me);
  }
  sched::park(sched::wait_reason::wait_group_wait, this);
}

}  // namespace weft
