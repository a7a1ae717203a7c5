// Select: wait for several channel operations, perform exactly one. After Go's select.go.
//
//   pass 1   all channels locked, in order of address: look for a case that can proceed, in random order. Found: do it.
//   pass 2   none: leave one waiter per case, all with the same claim word on the sleeper's stack; unlock; park.
//   pass 3   lock again and take out the waiters that did not win.
//
//   S1  The claim word leaves 0 at most once per sleep; whoever moves it to k owns case k - 1, may touch its value, and
//       makes the sleeper runnable (detail/waiter.h, W2).
//   S2  A waiter stays in a queue only while its owner is parked or the queue's lock is held.
//   S3  The order of pass 1 is a uniformly random permutation (Fisher and Yates, inside out): each of several ready cases
//       is equally likely.
// A deadline is one more claimant (park_until). A case never allocates: waiter, storage and value live in the case, the two
// orders on this stack for up to 16 cases; larger sets take one allocation.
// Refused: polling the cases in turn; one global select lock.
#include <algorithm>
#include <limits>
#include <memory>

#include <weft/select.h>

#include "base/assert.h"
#include "chan/channel.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/worker.h"

namespace weft::detail {

using sched::wait_reason;

struct select_access::core {
  static constexpr std::size_t inline_cases = 16;
  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

  select_case* const* cases;
  std::size_t count;
  std::uint16_t* poll_order;       // positions of enabled channel cases, shuffled
  channel** lock_order;            // their channels, sorted, without duplicates
  std::size_t polled = 0, locks = 0;
  std::int64_t deadline_ns = no_deadline;
  std::size_t deadline_position = 0;

  void prepare();
  std::size_t try_now(waiter*& to_wake);
  std::size_t sleep();
  std::size_t finish(std::size_t position, bool success);

  void lock_all() {
    for (std::size_t i = 0; i < locks; ++i) lock_order[i]->lock.lock();
  }
  void unlock_all() {
    for (std::size_t i = locks; i-- > 0;) lock_order[i]->lock.unlock();
  }
  void note_deadline(const select_case& c, std::size_t position);
};

namespace {

std::uint64_t random_number() noexcept {
  if (sched::worker* w = sched::this_worker()) return sched::next_random(w->random_state);
  static constinit base::atomic<std::uint64_t> state{0x2545F4914F6CDD1DULL};
  std::uint64_t mixed = state.fetch_add(0x9E3779B97F4A7C15ULL, base::relaxed) | 1;
  return sched::next_random(mixed);
}

}  // namespace

void select_access::core::note_deadline(const select_case& c, std::size_t position) {
  std::int64_t when = c.deadline_.time_since_epoch().count();
  if (c.is_relative_) {
    const std::int64_t timeout = c.timeout_.count();
    if (timeout == no_deadline || __builtin_add_overflow(sched::now_ns(), std::max<std::int64_t>(timeout, 0), &when)) return;
  }
  if (when >= deadline_ns) return;
  deadline_ns = when;
  deadline_position = position;
}

void select_access::core::prepare() {
  for (std::size_t i = 0; i < count; ++i) {
    select_case* c = cases[i];
    if (!c) continue;
    c->fired_ = false;
    if (c->holds_value_ && c->drop_value_) c->drop_value_(*c);
    c->holds_value_ = false;
    if (!c->enabled_) continue;
    if (c->kind_ == case_kind::deadline) {
      note_deadline(*c, i);
    } else if (c->channel_) {
      const std::uint64_t place = ((random_number() >> 32) * (polled + 1)) >> 32;
      if (place != polled) poll_order[polled] = poll_order[place];
      poll_order[place] = static_cast<std::uint16_t>(i);
      lock_order[polled++] = c->channel_;
    }
  }
  std::sort(lock_order, lock_order + polled, std::less<>());
  locks = static_cast<std::size_t>(std::unique(lock_order, lock_order + polled) - lock_order);
}

// Pass 1. REQUIRES: all locked.
std::size_t select_access::core::try_now(waiter*& to_wake) {
  for (std::size_t k = 0; k < polled; ++k) {
    const std::size_t position = poll_order[k];
    select_case& c = *cases[position];
    channel& ch = *c.channel_;
    const bool closed = ch.closed.load(base::relaxed);
    if (c.kind_ == case_kind::send) {
      if (closed) {
        unlock_all();
        throw_closed_send();
      }
      if (ch.send_now(c.value_address_, to_wake)) return position;
    } else if (ch.recv_now(c.value_address_, to_wake)) {
      c.holds_value_ = true;
      return position;
    } else if (closed) {
      return position;
    }
  }
  return none_ready;
}

// Passes 2 and 3. REQUIRES: all locked; returns with all unlocked.
std::size_t select_access::core::sleep() {
  base::atomic<std::uint32_t> claim{0};
  sleeper* me = sched::self();
  for (std::size_t k = 0; k < polled; ++k) {
    select_case& c = *cases[poll_order[k]];
    c.waiter_.who = me;
    c.waiter_.claim = &claim;
    c.waiter_.value = c.value_address_;
    c.waiter_.index = poll_order[k] + 1u;
    c.waiter_.success = false;
    (c.kind_ == case_kind::send ? c.channel_->senders : c.channel_->receivers).push_back(c.waiter_);
  }
  unlock_all();
  if (deadline_ns != no_deadline)
    sched::park_until(deadline_ns, claim, static_cast<std::uint32_t>(deadline_position + 1), wait_reason::select, this);
  else
    sched::park(polled == 0 ? wait_reason::select_no_cases : wait_reason::select, this);
  lock_all();
  for (std::size_t k = 0; k < polled; ++k) {
    select_case& c = *cases[poll_order[k]];
    (c.kind_ == case_kind::send ? c.channel_->senders : c.channel_->receivers).remove(c.waiter_);
  }
  unlock_all();
  const std::uint32_t won = claim.load(base::acquire);
  weft_assert(won != 0, "a select woke up although no case had won");
  return won - 1;
}

// The sleep ended with `position`: by a value, by close, or by the deadline.
std::size_t select_access::core::finish(std::size_t position, bool success) {
  select_case& c = *cases[position];
  if (c.kind_ == case_kind::send && !success) throw_closed_send();
  if (c.kind_ == case_kind::receive) c.holds_value_ = success;
  c.fired_ = true;
  return position;
}

std::size_t select_cases(select_case* const* cases, std::size_t count, bool may_block) {
  using core = select_access::core;
  if (count > std::numeric_limits<std::uint16_t>::max()) throw misuse("select: more than 65535 cases");
  if (may_block) sched::checkpoint();
  std::uint16_t few_positions[core::inline_cases];
  channel* few_channels[core::inline_cases];
  std::unique_ptr<std::uint16_t[]> many_positions;
  std::unique_ptr<channel*[]> many_channels;
  if (count > core::inline_cases) {
    many_positions = std::make_unique_for_overwrite<std::uint16_t[]>(count);
    many_channels = std::make_unique_for_overwrite<channel*[]>(count);
  }
  core select{cases, count, many_positions ? many_positions.get() : few_positions,
              many_channels ? many_channels.get() : few_channels};
  select.prepare();
  return select_access::perform(select, may_block);
}

std::size_t select_access::perform(core& select, bool may_block) {
  waiter* to_wake = nullptr;
  select.lock_all();
  std::size_t position = select.try_now(to_wake);
  if (position != none_ready) {
    select.unlock_all();
    if (to_wake) sched::ready(to_wake->who);
    select.cases[position]->fired_ = true;
    return position;
  }
  if (select.deadline_ns != core::no_deadline && select.deadline_ns <= sched::now_ns()) {
    select.unlock_all();
    return select.finish(select.deadline_position, true);
  }
  if (!may_block) {
    select.unlock_all();
    return none_ready;
  }
  position = select.sleep();
  return select.finish(position, select.cases[position]->waiter_.success);
}

}  // namespace weft::detail
