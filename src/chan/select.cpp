// Select: wait for several channel operations, perform exactly one. After Go's select.go, with a first pass of its own.
//
//   glance   look at every channel without its lock. Of the cases that seem possible take one at random, lock its channel
//            alone, and do it; if it turns out impossible, take another. Most selects end here, at the price of one lock.
//   confirm  (try_select, nothing seemed possible) was that true of all at one moment? A second look behind a fence: S4.
//   settle   all channels locked, in order of address: the same choice again, now for certain.
//   sleep    one waiter per case, all with the same claim word on the sleeper's stack; unlock; park; afterwards take out
//            the waiters that did not win.
//
//   S1  The claim word leaves 0 at most once per sleep; whoever moves it to k owns case k - 1, may touch its value, and
//       makes the sleeper runnable (detail/waiter.h, W2).
//   S2  A waiter stays in a queue only while its owner is parked or the queue's lock is held.
//   S3  Of the cases that are possible each is equally likely: the choice among those that seem so is uniform, and one that
//       turns out impossible leaves the others equally likely.
//   S4  A select that finds nothing has a moment at which no case was possible: all channels locked, or all biased to this
//       worker after the look (sched/biased_lock.h), or a state that was the same before and after a fence (chan/channel.h,
//       C5). One look at a time is not enough: a value that moves from
//       one channel to another between the looks would be missed in both.
// A deadline is one more claimant (park_until). Nothing is allocated for up to 16 cases: waiter, storage and value live in
// the case, the lists on this stack; larger sets take one allocation.
// Refused: polling the cases in turn; one global select lock; a shuffled order for all cases (Go's): paid for also by those
// that are not ready.
// Checked by tests/model/select_model.cpp, tests/fuzz, tests/semantics/select*.cpp, tests/stress/select_races.cpp and
// try_races.cpp.
#include <algorithm>
#include <limits>
#include <memory>
#include <new>

#include <weft/select.h>

#include "base/assert.h"
#include "chan/channel.h"
#include "chan/waits_on.h"
#include "os/own_memory.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/worker.h"

namespace weft::detail {

using sched::wait_reason;

namespace {

std::uint32_t random_below(std::uint32_t bound) noexcept {
  std::uint64_t drawn;
  if (sched::worker* w = sched::this_worker()) {
    drawn = sched::next_random(w->random_state);
  } else {
    static constinit base::atomic<std::uint64_t> state{0x2545F4914F6CDD1DULL};
    std::uint64_t mixed = state.fetch_add(0x9E3779B97F4A7C15ULL, base::relaxed) | 1;
    drawn = sched::next_random(mixed);
  }
  return static_cast<std::uint32_t>(((drawn >> 32) * bound) >> 32);
}

constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

}  // namespace

struct select_access::core {
  static constexpr std::size_t inline_cases = 16;

  select_case* const* cases;
  std::uint32_t count;
  std::uint16_t* order;            // positions: of the cases that may be possible, then of those that wait
  channel** locks;                 // the channels, sorted, without duplicates
  std::uint32_t lock_count = 0;
  bool has_deadline = false;
  std::int64_t deadline_ns = no_deadline;
  std::uint32_t deadline_position = 0;

  static bool is_sender(const select_case& c) noexcept { return c.kind_ == case_kind::send; }
  static bool takes_part(const select_case* c) noexcept { return c && c->enabled_ && c->channel_; }
  static const channel* channel_of(const select_case& c) noexcept { return c.channel_; }
  static bool seems_possible(const select_case& c) noexcept {
    return is_sender(c) ? c.channel_->seems_sendable() : c.channel_->seems_receivable();
  }
  static waiter_queue& queue_of(const select_case& c) noexcept {
    return is_sender(c) ? c.channel_->senders : c.channel_->receivers;
  }

  std::size_t select(bool may_block);
  std::size_t glance(std::uint32_t* versions);
  bool confirm(const std::uint32_t* versions) const;
  std::size_t choose_locked();
  enum class outcome { impossible, done, closed };
  static outcome perform(select_case& c, waiter*& to_wake);
  std::uint32_t take_one(std::uint32_t possible, std::size_t& position);
  void find_deadline();
  void lock_all();
  void unlock_all() {
    for (std::uint32_t i = lock_count; i-- > 0;) locks[i]->lock.unlock(i);
  }
  std::size_t sleep();
  void enqueue_all(base::atomic<std::uint32_t>& claim);
  void dequeue_others(std::uint32_t winner);
  std::size_t finish(std::size_t position, outcome how);
};

// Does the case if it is possible. REQUIRES: its channel locked.
auto select_access::core::perform(select_case& c, waiter*& to_wake) -> outcome {
  channel& ch = *c.channel_;
  const bool closed = ch.closed.load(base::relaxed);
  if (is_sender(c)) base::race::as_read(&ch.closed);
  if (base::race::is_watched && closed) base::race::acquire(&ch.closed);
  if (is_sender(c)) return closed ? outcome::closed : ch.send_now(c.value_address_, to_wake) ? outcome::done : outcome::impossible;
  c.holds_value_ = ch.recv_now(c.value_address_, to_wake);
  return c.holds_value_ ? outcome::done : closed ? outcome::closed : outcome::impossible;
}

// One of the first `possible` positions in `order`, each as likely; the last one takes its place. Returns how many are left.
std::uint32_t select_access::core::take_one(std::uint32_t possible, std::size_t& position) {
  const std::uint32_t pick = possible == 1 ? 0 : random_below(possible);
  position = order[pick];
  order[pick] = order[--possible];
  return possible;
}

// Starts a new turn for every case. `versions`, where given, receives one version per case (C5).
std::size_t select_access::core::glance(std::uint32_t* versions) {
  std::uint32_t possible = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    select_case* c = cases[i];
    if (!c) continue;
    c->fired_ = false;
    if (c->holds_value_) [[unlikely]] {  // of the last turn, and nobody took it
      c->holds_value_ = false;
      c->channel_->destroy(c->value_address_);
    }
    if (!c->enabled_) continue;
    if (c->kind_ == case_kind::deadline) has_deadline = true;
    if (!c->channel_) continue;
    if (versions) versions[i] = c->channel_->version.load(base::acquire);
    if (seems_possible(*c)) order[possible++] = static_cast<std::uint16_t>(i);
  }
  while (possible > 0) {
    std::size_t position;
    possible = take_one(possible, position);
    channel& ch = *cases[position]->channel_;
    waiter* to_wake = nullptr;
    ch.lock.lock();
    const outcome how = perform(*cases[position], to_wake);
    ch.lock.unlock();
    if (to_wake) sched::ready(to_wake->who);
    if (how != outcome::impossible) return finish(position, how);
  }
  return none_ready;
}

// S4. False: something has changed or seems possible, nothing is known.
bool select_access::core::confirm(const std::uint32_t* versions) const {
  bool all_mine = true;
  for (std::uint32_t i = 0; i < count; ++i) all_mine = all_mine && (!takes_part(cases[i]) || cases[i]->channel_->lock.is_mine());
  if (all_mine) return true;
  if (sched::biased_lock::is_due()) return false;
  base::thread_fence(base::seq_cst);
  for (std::uint32_t i = 0; i < count; ++i) {
    const select_case* c = cases[i];
    if (!takes_part(c)) continue;
    if (seems_possible(*c) || c->channel_->version.load(base::acquire) != versions[i]) return false;
  }
  return true;
}

void select_access::core::find_deadline() {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!cases[i] || !cases[i]->enabled_ || cases[i]->kind_ != case_kind::deadline) continue;
    const auto& c = static_cast<const deadline_case&>(*cases[i]);
    std::int64_t when = c.deadline_.time_since_epoch().count();
    if (c.is_relative_) {
      const std::int64_t timeout = c.timeout_.count();
      if (timeout == no_deadline) continue;
      if (__builtin_add_overflow(sched::now_ns(), std::max<std::int64_t>(timeout, 0), &when)) continue;
    }
    if (when >= deadline_ns) continue;
    deadline_ns = when;
    deadline_position = i;
  }
}

void select_access::core::lock_all() {
  channel** end = locks;
  for (std::uint32_t i = 0; i < count; ++i)
    if (takes_part(cases[i])) *end++ = cases[i]->channel_;
  std::sort(locks, end, std::less<>());
  lock_count = static_cast<std::uint32_t>(std::unique(locks, end) - locks);
  for (std::uint32_t i = 0; i < lock_count; ++i) locks[i]->lock.lock(i);
}

// REQUIRES: all locked. Unlocks them if it finds a case that is possible.
std::size_t select_access::core::choose_locked() {
  std::uint32_t possible = 0;
  for (std::uint32_t i = 0; i < count; ++i)
    if (takes_part(cases[i]) && seems_possible(*cases[i])) order[possible++] = static_cast<std::uint16_t>(i);
  while (possible > 0) {
    std::size_t position;
    possible = take_one(possible, position);
    waiter* to_wake = nullptr;
    const outcome how = perform(*cases[position], to_wake);
    if (how == outcome::impossible) continue;
    unlock_all();
    if (to_wake) sched::ready(to_wake->who);
    return finish(position, how);
  }
  return none_ready;
}

// REQUIRES: all locked.
void select_access::core::enqueue_all(base::atomic<std::uint32_t>& claim) {
  std::uint32_t waiting = 0;
  for (std::uint32_t i = 0; i < count; ++i)
    if (takes_part(cases[i])) order[waiting++] = static_cast<std::uint16_t>(i);
  if (waiting != lock_count)  // two cases of one channel: each is as likely to be the first in its queue (S3)
    for (std::uint32_t i = waiting; i > 1; --i) std::swap(order[i - 1], order[random_below(i)]);
  sleeper* me = sched::self();
  for (std::uint32_t k = 0; k < waiting; ++k) {
    select_case& c = *cases[order[k]];
    auto* w = ::new (static_cast<void*>(&c.waiter_)) waiter;
    w->who = me;
    w->claim = &claim;
    w->value = c.value_address_;
    w->index = order[k] + 1u;
    base::race::release(w);
    c.channel_->note_change();
    queue_of(c).push_back(*w);
  }
}

// The winner's waiter was taken out by whoever served it.
void select_access::core::dequeue_others(std::uint32_t winner) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i == winner || !takes_part(cases[i])) continue;
    select_case& c = *cases[i];
    base::locked hold(c.channel_->lock);
    c.channel_->note_change();
    queue_of(c).remove(c.waiter_);
  }
}

// REQUIRES: all locked; returns with all unlocked.
std::size_t select_access::core::sleep() {
  base::atomic<std::uint32_t> claim{0};
  enqueue_all(claim);
  unlock_all();
  if (deadline_ns != no_deadline)
    sched::park_until(deadline_ns, claim, deadline_position + 1, wait_reason::select, this);
  else
    sched::park(lock_count == 0 ? wait_reason::select_no_cases : wait_reason::select, this);
  const std::uint32_t won = claim.load(base::acquire);
  weft_assert(won != 0, "a select woke up although no case had won");
  dequeue_others(won - 1);
  select_case& winner = *cases[won - 1];
  if (winner.kind_ == case_kind::deadline) return finish(won - 1, outcome::done);
  winner.channel_->note_served(winner.waiter_);
  if (winner.kind_ == case_kind::receive) winner.holds_value_ = winner.waiter_.success;
  return finish(won - 1, winner.waiter_.success ? outcome::done : outcome::closed);
}

// Nothing is locked.
std::size_t select_access::core::finish(std::size_t position, outcome how) {
  select_case& c = *cases[position];
  if (is_sender(c) && how == outcome::closed) throw_closed_send();
  c.fired_ = true;
  return position;
}

std::size_t select_access::core::select(bool may_block) {
  std::uint32_t versions[inline_cases];
  const bool can_confirm = !may_block && count <= inline_cases;
  if (const std::size_t position = glance(can_confirm ? versions : nullptr); position != none_ready) return position;
  if (has_deadline) find_deadline();
  if (!(can_confirm && confirm(versions))) {
    lock_all();
    if (const std::size_t position = choose_locked(); position != none_ready) return position;
    if (may_block && (deadline_ns == no_deadline || deadline_ns > sched::now_ns())) return sleep();
    unlock_all();
  }
  if (deadline_ns != no_deadline && (may_block || deadline_ns <= sched::now_ns())) return finish(deadline_position, outcome::done);
  return none_ready;
}

std::size_t select_cases(select_case* const* cases, std::size_t count, bool may_block) {
  using core = select_access::core;
  if (count > std::numeric_limits<std::uint16_t>::max()) throw misuse("select: more than 65535 cases");
  sched::point(may_block ? "select" : "try select");
  if (may_block) sched::checkpoint();
  std::uint16_t few_positions[core::inline_cases];
  channel* few_channels[core::inline_cases];
  core select{.cases = cases, .count = static_cast<std::uint32_t>(count), .order = few_positions, .locks = few_channels};
  if (count <= core::inline_cases) return select.select(may_block);
  const auto many_positions = std::make_unique_for_overwrite<std::uint16_t[]>(count);
  const auto many_channels = std::make_unique_for_overwrite<channel*[]>(count);
  select.order = many_positions.get();
  select.locks = many_channels.get();
  return select.select(may_block);
}

// For reports. The copies fail where the goroutine has moved on and its stack is gone.
select_waits channels_of_select(const void* at, std::span<const channel*> channels) noexcept {
  using core = select_access::core;
  select_waits seen;
  alignas(core) std::byte copy[sizeof(core)];
  if (!os::copy_own_memory(at, copy, sizeof copy)) return seen;
  const core& select = *reinterpret_cast<const core*>(copy);
  seen.has_deadline = select.deadline_ns != no_deadline;
  for (std::uint32_t i = 0; i < select.count; ++i) {
    const select_case* c = nullptr;
    alignas(select_case) std::byte its_copy[sizeof(select_case)];
    if (!os::copy_own_memory(select.cases + i, &c, sizeof c) || (c && !os::copy_own_memory(c, its_copy, sizeof its_copy))) return seen;
    const auto* its_case = reinterpret_cast<const select_case*>(its_copy);
    if (!c || !core::takes_part(its_case)) continue;
    if (seen.count < channels.size()) channels[seen.count] = core::channel_of(*its_case);
    ++seen.count;
  }
  seen.is_known = true;
  return seen;
}

}  // namespace weft::detail
