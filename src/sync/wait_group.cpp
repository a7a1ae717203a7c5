// wait_group: counter in the upper half of one word, waiters in the lower. go() and done() are one atomic operation, or
// less: what go() starts is counted by the processors (sched/account.h).
//
//   WG1  Who takes the counter's last unit away takes the waiters away in the same step, and wakes them: nobody is counted
//        while the counter is zero. So with nobody counted, add() does not touch the wait_group after the word, and else
//        not after it has woken the first: whoever sees zero may destroy it.
//   WG2  The waiter that was counted first is in first_waiter, stored right after it was counted: who looks for it and finds
//        nothing waits for that store. Any other is counted under queue_lock_, and its node is in the queue when that is
//        unlocked.
//   WG3  first_waiter and the queue are emptied only by who holds the last unit, so by one at a time, before WG1's step; if
//        the word has changed by then, the waiters are put back. A single waiter, the usual case, needs no lock for that:
//        it costs one atomic operation on each side (take_last in sched/account.h).
// Checked by tests/model/wait_group_model.cpp.
#include <weft/wait_group.h>

#include <weft/detail/keep_frame.h>
#include <weft/error.h>

#include "base/pause.h"
#include "base/race.h"
#include "sched/account.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"

namespace weft {

void wait_group::add(int n) {
  if (sched::exploring()) [[unlikely]] return add_at_point(n);
  add_now(n);
}

void wait_group::add_at_point(int n) {
  sched::point("wait_group add");
  add_now(n);
}

namespace {

using detail::group;

[[gnu::always_inline]] inline std::uint64_t sum_of(std::uint64_t word, int n) {
  const std::int64_t sum = std::int64_t{group::counter(word)} + n;
  if (sum < 0) throw misuse("negative wait_group counter");
  if (sum > 0x7fff'ffff) throw misuse("wait_group counter overflow");
  return (static_cast<std::uint64_t>(sum) << group::counter_shift) | (word & group::waiters_mask);
}

// Zero, with somebody waiting: WG1 comes before that.
bool is_last(std::uint64_t word) noexcept { return group::counter(word) == 0 && word != 0; }

}  // namespace

[[gnu::always_inline]] inline void wait_group::add_now(int n) {
  if (n < 0) base::race::release(&state);
  std::uint64_t seen = state.load(base::relaxed);
  std::uint64_t next;
  do {
    next = sum_of(seen, n);
    if (is_last(next)) [[unlikely]] return take_as_last(n);
  } while (!state.compare_exchange_weak(seen, next, base::acq_rel, base::relaxed));
  // The first add() must not race with a wait(): as Go's detector has it, the one reads what the other writes.
  if (base::race::is_watched && n > 0 && counter(seen) == 0) {
    base::race::as_read(&waiters_);
    detail::keep_frame();  // as_read() looks for its caller's caller
  }
}

// Those units may be the last, and somebody waits.
[[gnu::noinline]] void wait_group::take_as_last(int n) {
  if (n == -1)
    if (detail::sleeper* who = sched::take_last(*this)) return sched::ready(who);
  std::uint64_t seen = state.load(base::relaxed);
  while (true) {
    const std::uint64_t next = sum_of(seen, n);
    if (!is_last(next)) {
      if (state.compare_exchange_weak(seen, next, base::acq_rel, base::relaxed)) return;
    } else {
      if (wake_all(seen)) return;
      seen = state.load(base::relaxed);
    }
  }
}

// WG1, with any number of waiters: from `word` to zero. False: it was not `word` any more.
bool wait_group::wake_all(std::uint64_t word) {
  detail::waiter first;
  detail::waiter* others = nullptr;
  {
    base::locked hold(queue_lock_);
    base::backoff spin;
    while (!(first.who = first_waiter.load(base::acquire))) {  // WG2
      if (state.load(base::relaxed) != word) return false;
      spin.wait();
    }
    first_waiter.store(nullptr, base::relaxed);
    if (!state.compare_exchange_strong(word, 0, base::acq_rel, base::relaxed)) {
      first_waiter.store(first.who, base::release);
      return false;
    }
    detail::waiter** end = &others;
    while (detail::waiter* w = waiters_.pop()) {
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
  }
  first.next = others;
  sched::ready_all(&first);
  return true;
}

void wait_group::release(detail::group& counted) noexcept { static_cast<wait_group&>(counted).take_as_last(-1); }

// `me` is null for a plain thread.
[[gnu::always_inline]] inline void wait_group::wait_as(detail::sleeper* me) {
  std::uint64_t word = state.load(base::acquire);
  if (counter(word) == 0) return base::race::acquire(&state);
  if (!me) [[unlikely]] me = sched::self();
  // acquire: pairs with those who emptied first_waiter and then took the waiters away.
  if ((word & waiters_mask) != 0 || !state.compare_exchange_strong(word, word + 1, base::acquire, base::relaxed))
    return wait_among_others();
  first_waiter.store(me, base::release);
  if (base::race::is_watched) base::race::as_write(&waiters_);  // others wait as well
  sched::park(sched::wait_reason::wait_group_wait, this);
  base::race::acquire(&state);
}

// Leaves by tail calls, so it has no registers to save.
void wait_group::wait_in_turn() {
  sched::worker* const w = sched::usual_worker();
  if (!w || !w->current) [[unlikely]] return wait_the_long_way();
  wait_as(w->current);
}

[[gnu::noinline]] void wait_group::wait_the_long_way() {
  sched::point("wait_group wait");
  if (sched::is_detached()) [[unlikely]] sched::checkpoint();
  wait_as(sched::this_goroutine());
}

[[gnu::noinline]] void wait_group::wait_among_others() {
  detail::waiter me;
  me.who = sched::self();
  {
    base::locked hold(queue_lock_);
    std::uint64_t seen = state.load(base::acquire);
    do {
      if (counter(seen) == 0) return base::race::acquire(&state);
    } while (!state.compare_exchange_weak(seen, seen + 1, base::acq_rel, base::acquire));
    if ((seen & waiters_mask) != 0) {
      waiters_.push_back(me);
    } else {
      if (base::race::is_watched) base::race::as_write(&waiters_);
      first_waiter.store(me.who, base::release);
    }
  }
  sched::park(sched::wait_reason::wait_group_wait, this);
  base::race::acquire(&state);
}

}  // namespace weft
