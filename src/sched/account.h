// Accounts: how a processor counts the goroutines of a group without an atomic operation for each.
//
// wait_group::go adds one to the group's counter and the goroutine's end takes it away: 5.5 ns each when the counter is in
// this CPU's cache, ten times that when another CPU counts too. Nobody can tell, however, what the counter is, only
// whether it is zero. So a processor that starts several goroutines of one group keeps an account of it: one unit of the
// counter stands for all that it has started and that are still here, and `balance` says how many those are.
//
//   AC1  While balance > 0, one unit of the group's counter belongs to the account. The true count of a group is its
//        counter, less one for each account on it, plus the accounts' balances. Each step below keeps it.
//   AC2  balance is at most the number of goroutines of the group that are newborns in this processor's queue, or run here
//        and have neither parked nor lost the processor. So it comes to zero when those end, whatever others do.
//   AC3  The counter is zero exactly when the true count is: an account with a balance holds its unit.
//   AC4  A goroutine that gets away from the processor (parks, is stolen, loses the processor) is counted in the group
//        first: hand_out(). Any goroutine of the group may take from the balance when it ends; they are all alike.
//   AC5  With a balance of zero `group` is only remembered, and may be gone: it says that the last one born here was of
//        that group. The second in a row opens the account, so goroutines born into two groups in turn cost no more.
//
// Owner only (processor.h).
// Refused: sharded counters (zero must be found out by adding up); deferring done() until the next scheduling point (the
// next goroutine may run for long).
// Checked by tests/model/account_model.cpp.
#pragma once

#include <cstdint>

#include <weft/detail/group.h>

#include "base/fatal.h"

namespace weft::sched {

struct account {
  detail::group* group = nullptr;
  std::uintptr_t balance = 0;  // as wide as what is asked together with it: short_way.h, keeps_goroutine()

  [[nodiscard]] bool counts(const detail::group& g) const noexcept { return group == &g && balance != 0; }
  // A goroutine of `g` is about to be queued here.
  void enters(detail::group& g) noexcept {
    if (knows(g)) [[likely]] enters_known();
    else begins(g);
  }
  [[nodiscard]] bool knows(const detail::group& g) const noexcept { return group == &g; }
  void enters_known() noexcept {  // REQUIRES: knows(its group)
    if (balance++ == 0) add_unit();
  }
  // Up to `most` goroutines of the group get away. Handing out too many is allowed.
  void hand_out(std::uintptr_t most) noexcept {
    if (balance != 0) give(most);
  }
  void hand_out_all() noexcept { hand_out(balance); }

 private:
  [[gnu::noinline]] void begins(detail::group& g) noexcept {
    hand_out_all();
    group = &g;
    add_unit();
  }
  // relaxed: what is seen at zero is released by those who take.
  void add_unit() noexcept { group->state.fetch_add(detail::group::one, base::relaxed); }
  [[gnu::noinline]] void give(std::uintptr_t most) noexcept {
    const std::uintptr_t given = most < balance ? most : balance - 1;  // the last one takes over the account's unit
    if (given != 0) group->state.fetch_add(given * detail::group::one, base::relaxed);
    balance = most < balance ? balance - most : 0;
  }
};

[[noreturn, gnu::cold, gnu::noinline]] inline void die_of_negative_counter(const detail::group& g) {
  base::fatal("wait_group at %p: negative counter: done() was called too often", static_cast<const void*>(&g));
}

// Takes the counter's last unit away together with its only waiter, who is to be woken. Null: there is more, and nothing was
// done. sync/wait_group.cpp, WG3.
[[nodiscard, gnu::always_inline]] inline detail::sleeper* take_last(detail::group& g) noexcept {
  std::uint64_t last = detail::group::one | 1;
  if (g.state.load(base::relaxed) != last) return nullptr;
  detail::sleeper* who = g.first_waiter.load(base::acquire);  // pairs with the waiter's store
  if (!who) [[unlikely]] return nullptr;
  g.first_waiter.store(nullptr, base::relaxed);
  if (!g.state.compare_exchange_strong(last, 0, base::acq_rel, base::relaxed)) [[unlikely]] {
    if (detail::group::counter(last) > 0) g.first_waiter.store(who, base::release);  // else done() was called too often
    return nullptr;
  }
  return who;
}

[[gnu::noinline]] inline void take_one_of_many(detail::group& g) noexcept {
  using detail::group;
  std::uint64_t seen = g.state.load(base::relaxed);
  do {
    if (group::counter(seen) <= 0) [[unlikely]] die_of_negative_counter(g);
    if (group::counter(seen) == 1 && (seen & group::waiters_mask) != 0) [[unlikely]] {
      g.release_waiters(g);
      return;
    }
  } while (!g.state.compare_exchange_weak(seen, seen - group::one, base::acq_rel, base::relaxed));
}

// One less in the group's counter; the last one wakes those who wait, but for a single one: the caller does.
[[nodiscard, gnu::always_inline]] inline detail::sleeper* take_from(detail::group& g) noexcept {
  detail::sleeper* const who = take_last(g);
  if (!who) [[unlikely]] take_one_of_many(g);
  return who;
}

// A goroutine of `g` has ended, on a processor with account `mine` or on none (null). Returns whom to wake; mostly null.
[[nodiscard, gnu::always_inline]] inline detail::sleeper* leave_group(account* mine, detail::group& g) noexcept {
  if (mine && mine->counts(g) && --mine->balance != 0) return nullptr;
  return take_from(g);
}

}  // namespace weft::sched
