// Select: wait for several channel operations, perform exactly one. After Go's select.go, with a first pass of its own.
//
//   glance   look at every channel without its lock. Of the cases that seem possible take one at random, lock its
//            channel alone, and do it; if it turns out impossible, take another. Most selects end here, at the price of
//            one lock.
//   confirm  (try_select, nothing seemed possible) was that so of all at one moment? A second look behind a fence: S4.
//   settle   all channels locked, in order of address: the same choice again, now for certain.
//   sleep    one waiter per case, all with the same claim word on the sleeper's stack; unlock; park; afterwards take
//            out the waiters that did not win.
//
//   S1  The claim word leaves 0 at most once per sleep; whoever moves it to k owns case k - 1, may touch its value, and
//       makes the sleeper runnable (detail/waiter.h, W2).
//   S2  A waiter stays in a queue only while its owner is parked or the queue's lock is held.
//   S3  Of the cases that are possible each is equally likely: the choice among those that seem so is uniform, and one
//       that turns out impossible leaves the others equally likely.
//   S4  A select that finds nothing has a moment at which no case was possible: all channels locked, or each biased to
//       this worker after the look (sched/biased_lock.h), or a state that was the same before and after a fence
//       (chan/channel.h, C5). One look at a time is not enough: a value that moves from one channel to another between
//       the looks would be missed in both.
//
// The short way does the same where nothing is out of the ordinary (sched/short_way.h) and there are few cases:
//
//   begin    the glance. Where nothing is possible and each channel is biased to this worker after the look at it, it
//            has been since before all looks, and nobody has changed anything: at the first look no case was possible
//            (S4), and try_select is done. Not so with deadlines, nor, for simplicity, with nil channels.
//   choose, perform  one of those that seem possible, uniformly, under its lock alone. What is not done by a few
//            instructions is done by go_on(), with the case that was drawn: to draw again because a lock is taken or an
//            element large would favour the others (S3). Only if all turn out impossible is there a new glance.
//   sleep    the waiters of all cases, while all locks are held by bias. These biases too are older than the look, so
//            a second choice would find nothing. Nobody waits for these locks, so their order does not matter. Where
//            one is not to be had, or two cases share a queue (S3), all is taken back, and settled as above.
//
// Each step leaves to the next one by a jump, and so saves no registers; to the long way before it has changed anything
// but what begins a case's turn anyway. A select with something ready was 300 instructions, one with nothing 240; now
// they are 165 and 90.
//
// A deadline is one more claimant (park_until). Nothing is allocated for up to 16 cases: waiter, storage and value live
// in the case, the lists on this stack; larger sets take one allocation.
// Refused: polling the cases in turn; one global select lock; a shuffled order for all cases (Go's): paid for also by
// those that are not ready; a sleep that holds one lock at a time (whoever is served meanwhile would need a way back).
// Checked by tests/model/select_model.cpp and biased_lock_model.cpp (the short way), tests/fuzz,
// tests/semantics/select*.cpp, tests/stress/select_races.cpp and try_races.cpp.
#include <algorithm>
#include <bit>
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
#include "sched/short_way.h"
#include "sched/worker.h"

namespace weft::detail {

using sched::biased_lock;
using sched::wait_reason;

namespace {

std::uint32_t scaled(std::uint64_t drawn, std::uint32_t bound) noexcept {
  return static_cast<std::uint32_t>(((drawn >> 32) * bound) >> 32);
}

std::uint32_t random_below(std::uint32_t bound) noexcept {
  std::uint64_t drawn;
  if (sched::worker* w = sched::this_worker()) {
    drawn = sched::next_random(w->random_state);
  } else {
    static constinit base::atomic<std::uint64_t> state{0x2545F4914F6CDD1DULL};
    std::uint64_t mixed = state.fetch_add(0x9E3779B97F4A7C15ULL, base::relaxed) | 1;
    drawn = sched::next_random(mixed);
  }
  return scaled(drawn, bound);
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

  enum class manner : std::uint32_t { tries, blocks };  // of a register's width: it is handed on from step to step

  // The short way. A set of cases is a word of bits, the last case's the lowest: so one look after the other makes it.
  using set = std::uint32_t;
  static_assert(inline_cases <= 32 && inline_cases <= sched::worker::lock_slots);
  static std::uint32_t place(set possible, std::size_t count) noexcept {  // of its last case
    return static_cast<std::uint32_t>(count) - 1 - static_cast<std::uint32_t>(std::countr_zero(possible));
  }
  static std::uint32_t any_of(set possible, std::size_t count, sched::worker& w) noexcept;
  static std::size_t begin(select_case* const* cases, std::size_t count, manner how);
  static std::size_t choose_shortly(select_case* const* cases, std::size_t count, manner how, set possible, sched::worker& w);
  static std::size_t perform_shortly(select_case* const* cases, std::size_t count, manner how, set possible,
                                     std::uint32_t pick, sched::worker& w);
  static std::size_t go_on(select_case* const* cases, std::size_t count, manner how, set possible, std::uint32_t pick,
                           bool is_locked);
  static std::size_t sleep_shortly(select_case* const* cases, std::size_t count, sched::worker& w);
  bool enqueue_shortly(sched::worker& w, sleeper* me, base::atomic<std::uint32_t>& claim);
  void take_back(std::uint32_t queued);

  // The long way.
  static std::size_t whole(select_case* const* cases, std::size_t count, manner how);  // from its beginning
  static std::size_t block(select_case* const* cases, std::size_t count);                  // after a look in vain
  template <std::size_t (core::*part)(bool)>
  static std::size_t with_room(select_case* const* cases, std::size_t count, bool may_block);
  std::size_t select(bool may_block);
  std::size_t settle(bool may_block);
  std::size_t glance(std::uint32_t* versions);
  bool confirm(const std::uint32_t* versions) const;
  std::size_t choose_locked();
  enum class outcome { impossible, done, closed };
  static outcome perform(select_case& c, waiter*& to_wake);
  static outcome attempt(select_case& c, bool is_locked);
  std::uint32_t take_one(std::uint32_t possible, std::size_t& position);
  void find_deadline();
  void lock_all();
  void unlock_all() {
    for (std::uint32_t i = lock_count; i-- > 0;) locks[i]->lock.unlock(i);
  }
  std::size_t sleep();
  void enqueue_all(base::atomic<std::uint32_t>& claim);
  static void enqueue(select_case& c, std::uint32_t position, sleeper* me, base::atomic<std::uint32_t>& claim);
  std::size_t wake_up(std::uint32_t won);
  void dequeue_others(std::uint32_t winner);
  std::size_t finish(std::size_t position, outcome how) { return finish(*cases[position], position, how); }
  static std::size_t finish(select_case& c, std::size_t position, outcome how);
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

// The same on its own. Returns with the channel unlocked.
auto select_access::core::attempt(select_case& c, bool is_locked) -> outcome {
  biased_lock& lock = c.channel_->lock;
  waiter* to_wake = nullptr;
  if (!is_locked) lock.lock();
  const outcome how = perform(c, to_wake);
  lock.unlock();
  if (to_wake) sched::ready(to_wake->who);
  return how;
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
    const outcome how = attempt(*cases[position], false);
    if (how != outcome::impossible) return finish(position, how);
  }
  return none_ready;
}

// S4. False: something has changed or seems possible, nothing is known.
bool select_access::core::confirm(const std::uint32_t* versions) const {
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
  for (std::uint32_t k = 0; k < waiting; ++k) enqueue(*cases[order[k]], order[k], me, claim);
}

inline void select_access::core::enqueue(select_case& c, std::uint32_t position, sleeper* me,
                                         base::atomic<std::uint32_t>& claim) {
  auto* w = ::new (static_cast<void*>(&c.waiter_)) waiter;
  w->who = me;
  w->claim = &claim;
  w->value = c.value_address_;
  w->index = position + 1;
  base::race::release(w);
  c.channel_->note_change();
  queue_of(c).push_back(*w);
}

// The winner's waiter was taken out by whoever served it.
void select_access::core::dequeue_others(std::uint32_t winner) {
  sched::worker* const here = sched::this_worker();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i == winner || !takes_part(cases[i])) continue;
    select_case& c = *cases[i];
    c.channel_->lock.lock_for(here);
    c.channel_->note_change();
    queue_of(c).remove(c.waiter_);
    c.channel_->lock.unlock_for(here);
  }
}

// REQUIRES: all locked; returns with all unlocked.
WEFT_LEADS_TO_PARKS WEFT_SWITCHES_STACKS std::size_t select_access::core::sleep() {
  base::atomic<std::uint32_t> claim{0};
  enqueue_all(claim);
  unlock_all();
  if (deadline_ns != no_deadline) {
    sched::park_until(deadline_ns, claim, deadline_position + 1, wait_reason::select, this);
  } else {
    const wait_reason reason = lock_count == 0 ? wait_reason::select_no_cases : wait_reason::select;
    sched::worker* const w = sched::usual_worker();
    if (!w || !w->current || !sched::park_shortly(*w, reason, this)) sched::park(reason, this);
  }
  return wake_up(claim.load(base::acquire));
}

inline std::size_t select_access::core::wake_up(std::uint32_t won) {
  weft_assert(won != 0, "a select woke up although no case had won");
  dequeue_others(won - 1);
  select_case& winner = *cases[won - 1];
  if (winner.kind_ == case_kind::deadline) return finish(won - 1, outcome::done);
  winner.channel_->note_served(winner.waiter_);
  if (winner.kind_ == case_kind::receive) winner.holds_value_ = winner.waiter_.success;
  return finish(won - 1, winner.waiter_.success ? outcome::done : outcome::closed);
}

// Nothing is locked.
inline std::size_t select_access::core::finish(select_case& c, std::size_t position, outcome how) {
  if (is_sender(c) && how == outcome::closed) throw_closed_send();
  c.fired_ = true;
  return position;
}

WEFT_LEADS_TO_PARKS std::size_t select_access::core::select(bool may_block) {
  std::uint32_t versions[inline_cases];
  const bool can_confirm = !may_block && count <= inline_cases;
  if (const std::size_t position = glance(can_confirm ? versions : nullptr); position != none_ready) return position;
  if (!(can_confirm && confirm(versions))) return settle(may_block);
  if (has_deadline) find_deadline();
  return deadline_ns != no_deadline && deadline_ns <= sched::now_ns() ? finish(deadline_position, outcome::done) : none_ready;
}

WEFT_LEADS_TO_PARKS std::size_t select_access::core::settle(bool may_block) {
  find_deadline();
  lock_all();
  if (const std::size_t position = choose_locked(); position != none_ready) return position;
  const bool is_late = deadline_ns != no_deadline && deadline_ns <= sched::now_ns();
  if (may_block && !is_late) return sleep();
  unlock_all();
  return is_late ? finish(deadline_position, outcome::done) : none_ready;
}

template <std::size_t (select_access::core::*part)(bool)>
[[gnu::always_inline]]
inline std::size_t select_access::core::with_room(select_case* const* cases, std::size_t count, bool may_block) {
  std::uint16_t few_positions[inline_cases];
  channel* few_channels[inline_cases];
  core select{.cases = cases, .count = static_cast<std::uint32_t>(count), .order = few_positions, .locks = few_channels};
  if (count <= inline_cases) return (select.*part)(may_block);
  const auto many_positions = std::make_unique_for_overwrite<std::uint16_t[]>(count);
  const auto many_channels = std::make_unique_for_overwrite<channel*[]>(count);
  select.order = many_positions.get();
  select.locks = many_channels.get();
  return (select.*part)(may_block);
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]]
std::size_t select_access::core::whole(select_case* const* cases, std::size_t count, manner how) {
  if (count > std::numeric_limits<std::uint16_t>::max()) throw misuse("select: more than 65535 cases");
  const bool may_block = how == manner::blocks;
  sched::point(may_block ? "select" : "try select");
  if (may_block) sched::checkpoint();
  return with_room<&core::select>(cases, count, may_block);
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]]
std::size_t select_access::core::block(select_case* const* cases, std::size_t count) {
  return with_room<&core::settle>(cases, count, true);
}

// --- the short way --------------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline std::size_t select_access::core::begin(select_case* const* cases, std::size_t count,
                                                                     manner how) {
  sched::worker* const w = sched::usual_worker();
  if (!w || count > inline_cases) [[unlikely]] return whole(cases, count, how);
  set possible = 0;
  std::uintptr_t obstacles = 0;  // deadlines, nil channels, and channels that are not this worker's
  for (std::uint32_t i = 0; i < count; ++i) {
    select_case* const c = cases[i];
    possible += possible;
    if (!c) continue;
    channel* const ch = c->channel_;
    c->fired_ = false;
    if (c->holds_value_) [[unlikely]] {
      if (!ch->moves_shortly) return whole(cases, count, how);
      c->holds_value_ = false;
    }
    if (!c->enabled_) continue;
    if (!ch) [[unlikely]] {
      obstacles = 1;
    } else if (seems_possible(*c)) {
      ++possible;
    } else {
      obstacles |= ch->lock.unlike_bias_to(*w);  // S4: after the look
    }
  }
  if (possible == 0) {
    if (how == manner::blocks) return obstacles == 0 ? sleep_shortly(cases, count, *w) : block(cases, count);
    return obstacles == 0 ? none_ready : whole(cases, count, how);
  }
  if ((possible & (possible - 1)) != 0) return choose_shortly(cases, count, how, possible, *w);
  return perform_shortly(cases, count, how, possible, place(possible, count), *w);
}

// The position of a member of the set, each as likely. REQUIRES: there is one.
inline std::uint32_t select_access::core::any_of(set possible, std::size_t count, sched::worker& w) noexcept {
  std::uint32_t size = 0;
  for (set rest = possible; rest != 0; rest &= rest - 1) ++size;
  std::uint32_t nth = size == 1 ? 0 : scaled(sched::next_random(w.random_state), size);
  for (; nth > 0; --nth) possible &= possible - 1;
  return place(possible, count);
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]]
std::size_t select_access::core::choose_shortly(select_case* const* cases, std::size_t count, manner how,
                                                set possible, sched::worker& w) {
  return perform_shortly(cases, count, how, possible, any_of(possible, count, w), w);
}

// What is left to do when a case has happened, and returns its position.
namespace {

[[gnu::noinline]] std::size_t unlock_and_return(channel& ch, std::size_t position) {
  ch.lock.unlock();
  return position;
}
[[gnu::noinline]] std::size_t ready_and_return(sleeper* who, std::size_t position) {
  sched::ready(who);
  return position;
}
[[gnu::noinline]] std::size_t unlock_ready_and_return(channel& ch, sleeper* who, std::size_t position) {
  ch.lock.unlock();
  return ready_and_return(who, position);
}
[[gnu::noinline]] std::size_t wake_and_return(sched::worker& w, sleeper* who, std::size_t position) {
  if (!sched::ready_shortly(w, who)) [[unlikely]] return ready_and_return(who, position);
  return position;
}

}  // namespace

WEFT_LEADS_TO_PARKS [[gnu::noinline]]
std::size_t select_access::core::perform_shortly(select_case* const* cases, std::size_t count, manner how,
                                                 set possible, std::uint32_t pick, sched::worker& w) {
  select_case& c = *cases[pick];
  channel& ch = *c.channel_;
  if (!ch.lock.try_lock(w)) [[unlikely]] return go_on(cases, count, how, possible, pick, false);
  const std::size_t stored = ch.occupied.load(base::relaxed);
  waiter* other;
  if (is_sender(c)) {
    other = ch.receivers.front();
    if (!ch.moves_shortly || ch.closed.load(base::relaxed) || (other ? other->claim != nullptr : stored == ch.capacity))
      [[unlikely]] return go_on(cases, count, how, possible, pick, true);
    ch.note_change();
    if (other) {
      ch.receivers.remove_front(*other);
      ch.move_shortly(other->value, c.value_address_);
    } else {
      ch.put<true>(c.value_address_);
    }
  } else {
    other = ch.senders.front();
    if (!ch.moves_shortly || (other ? stored != 0 || other->claim : stored == 0)) [[unlikely]]
      return go_on(cases, count, how, possible, pick, true);
    ch.note_change();
    if (other) {
      ch.senders.remove_front(*other);
      ch.move_shortly(c.value_address_, other->value);
    } else {
      ch.take<true>(c.value_address_);
    }
    c.holds_value_ = true;
  }
  c.fired_ = true;
  if (!other) return ch.lock.try_unlock_by_bias(w) ? pick : unlock_and_return(ch, pick);
  sleeper* const who = other->who;
  other->success = true;
  return ch.lock.try_unlock_by_bias(w) ? wake_and_return(w, who, pick) : unlock_ready_and_return(ch, who, pick);
}

// The rest of a select that has chosen `pick`. If that turns out impossible, another one that seemed possible.
WEFT_LEADS_TO_PARKS [[gnu::noinline]]
std::size_t select_access::core::go_on(select_case* const* cases, std::size_t count, manner how,
                                       set possible, std::uint32_t pick, bool is_locked) {
  while (true) {
    const outcome it = attempt(*cases[pick], is_locked);
    if (it != outcome::impossible) return finish(*cases[pick], pick, it);
    is_locked = false;
    possible &= ~(set{1} << (count - 1 - pick));
    if (possible == 0) return whole(cases, count, how);
    pick = any_of(possible, count, *sched::this_worker());
  }
}

// All waiters into their queues, if all channels are this worker's to lock: then they are as they were at the look, as
// the biases are older (S4). Nobody waits for a lock here, so they are taken as they come. False: nothing has happened.
[[gnu::always_inline]] inline bool select_access::core::enqueue_shortly(sched::worker& w, sleeper* me,
                                                                        base::atomic<std::uint32_t>& claim) {
  bool is_done = true;
  std::uint32_t i = 0, locked = 0;
  for (; i < count; ++i) {
    if (!takes_part(cases[i])) continue;
    select_case& c = *cases[i];
    is_done = c.channel_->lock.try_lock_by_bias(w, locked);
    if (!is_done) [[unlikely]] break;
    ++locked;
    const waiter* const last = queue_of(c).back();
    is_done = !last || last->claim != &claim;  // two cases of one queue: enqueue_all() draws lots
    if (!is_done) [[unlikely]] break;
    enqueue(c, i, me, claim);
  }
  if (!is_done) [[unlikely]] take_back(i);
  biased_lock::unlock_by_bias(w, locked);
  return is_done && locked != 0;
}

// REQUIRES: locked as far as they are queued.
[[gnu::noinline, gnu::cold]] void select_access::core::take_back(std::uint32_t queued) {
  for (std::uint32_t i = 0; i < queued; ++i) {
    if (!takes_part(cases[i])) continue;
    cases[i]->channel_->note_change();
    queue_of(*cases[i]).remove(cases[i]->waiter_);
  }
}

WEFT_PARKS std::size_t select_access::core::sleep_shortly(select_case* const* cases, std::size_t count, sched::worker& w) {
  core select{.cases = cases, .count = static_cast<std::uint32_t>(count), .order = nullptr, .locks = nullptr};
  base::atomic<std::uint32_t> claim{0};
  sched::goroutine* const me = w.current;
  if (!select.enqueue_shortly(w, me ? me : sched::self(), claim)) [[unlikely]] return block(cases, count);
  if (!me || !sched::park_shortly(w, wait_reason::select, &select)) [[unlikely]] sched::park(wait_reason::select, &select);
  return select.wake_up(claim.load(base::acquire));
}

WEFT_LEADS_TO_PARKS std::size_t select_cases(select_case* const* cases, std::size_t count, bool may_block) {
  using core = select_access::core;
  return core::begin(cases, count, may_block ? core::manner::blocks : core::manner::tries);
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
