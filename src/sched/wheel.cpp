#include "sched/wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace weft::sched {

namespace {
constexpr unsigned top_level_slots = 128;  // an int64 has 7 bits above the digits of levels 0 to 3
}

wheel::wheel(std::int64_t now_ns)
    : position_{tick_of(now_ns)},
      slots_{std::make_unique_for_overwrite<slot[]>((levels - 1) * slots_per_level + top_level_slots)} {
  static_assert(tick_bits + (levels - 1) * digit_bits + 7 == 63, "the levels cover every positive int64");
}

std::uint64_t wheel::tick_of(std::int64_t when_ns) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(when_ns, 0)) >> tick_bits;
}

void wheel::add(timer_node& node, std::int64_t when_ns) noexcept {
  weft_assert(node.idle(), "timer added twice");
  node.when_ns = when_ns;
  node.order = ++added_;
  node.place = timer_node::place_latest;
  ++size_;
  if (timer_node* const before = std::exchange(latest_, &node)) file(*before);
}

void wheel::file(timer_node& node) noexcept {
  const std::uint64_t tick = tick_of(node.when_ns);
  if (tick > position_) [[likely]] return file_ahead(node, tick);
  file_soon(node, tick);
  soonest_.settle();
}

void wheel::file_latest() noexcept {
  if (timer_node* const latest = std::exchange(latest_, nullptr)) file(*latest);
}

// W1.
void wheel::file_soon(timer_node& node, std::uint64_t tick) noexcept {
  constexpr unsigned bucket_shift = tick_bits - soonest::bucket_bits;
  const bool is_late = tick != position_ || node.when_ns < 0;
  const auto when = static_cast<std::uint64_t>(node.when_ns);
  soonest_.push(node, is_late ? 0 : (when >> bucket_shift) % soonest::buckets);
}

// W2. Mostly it is level 0, where a digit is the slot's number.
void wheel::file_ahead(timer_node& node, std::uint64_t tick) noexcept {
  const std::uint64_t difference = tick ^ position_;
  if (difference < slots_per_level) [[likely]] return file_in_slot(node, 0, tick % slots_per_level);
  const unsigned level = (static_cast<unsigned>(std::bit_width(difference)) - 1) / digit_bits;
  file_in_slot(node, level, (tick >> (level * digit_bits)) % slots_per_level);
}

// It saves no registers, whose places on a sleeper's stack would be out of cache: who is first in a slot goes another way.
[[gnu::always_inline]] inline void wheel::file_in_slot(timer_node& node, unsigned level, unsigned digit) noexcept {
  if (((occupied_[level].map[digit / 64] >> (digit % 64)) & 1) == 0) return file_first(node, level, digit);
  push(node, level * slots_per_level + digit);
}

void wheel::file_first(timer_node& node, unsigned level, unsigned digit) noexcept {
  const unsigned index = level * slots_per_level + digit;
  occupancy& occupied = occupied_[level];
  occupied.map[digit / 64] |= std::uint64_t{1} << (digit % 64);
  occupied.summary |= std::uint64_t{1} << (digit / 64);
  occupied_levels_ |= 1u << level;
  slots_[index].earliest = never;
  slots_[index].live = 0;
  push(node, index);
}

// REQUIRES: the slot's bit is set (W3).
[[gnu::always_inline]] inline void wheel::push(timer_node& node, unsigned index) noexcept {
  slot& home = slots_[index];
  node.place = static_cast<std::uint16_t>(index);
  node.prev = nullptr;
  home.earliest = std::min(home.earliest, node.when_ns);
  const unsigned chain = node.order % chains;
  timer_node* next = nullptr;
  if (((home.live >> chain) & 1) != 0) {
    next = home.heads[chain];
    next->prev = &node;
    node.child = next->next;
  }
  node.next = next;
  home.live |= 1u << chain;
  home.heads[chain] = &node;
}

namespace {

// It may lie across two lines of the cache. Two requests whichever it is: base::prefetch() would ask, and guess wrong half of the time.
inline void fetch(const timer_node* node) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(node);  // a number: it may be gone
  __builtin_prefetch(reinterpret_cast<const void*>(begin), 1);
  __builtin_prefetch(reinterpret_cast<const void*>(begin + sizeof(timer_node) - 1), 1);
}

}  // namespace

// Files the timers of a slot that was reached. Those of a round are asked for together: their addresses are looked up at once.
void wheel::file_all(slot& from) noexcept {
  for (std::uint32_t live = from.live; live != 0;) {
    timer_node* fetched[chains];
    unsigned count = 0;
    for (std::uint32_t round = live; round != 0; round &= round - 1) {
      timer_node*& head = from.heads[std::countr_zero(round)];
      timer_node& node = *(fetched[count++] = head);
      head = node.next;
      __builtin_prefetch(head, 1);
      fetch(node.child);
      if (head == nullptr) live ^= round & -round;
    }
    for (unsigned i = 0; i < count; ++i) {
      timer_node& node = *fetched[i];
      if (const std::uint64_t tick = tick_of(node.when_ns); tick > position_) file_ahead(node, tick);
      else file_soon(node, tick);
    }
  }
}

bool wheel::remove(timer_node& node) noexcept {
  if (node.place == timer_node::place_idle) return false;
  if (node.place == timer_node::place_latest) {
    latest_ = nullptr;
  } else if (node.place >= timer_node::place_bucket) {
    soonest_.remove(node);
  } else {
    if (node.next != nullptr) node.next->prev = node.prev;
    if (node.prev != nullptr) {
      node.prev->next = node.next;
    } else {
      slot& home = slots_[node.place];
      const unsigned chain = node.order % chains;
      home.heads[chain] = node.next;
      if (node.next == nullptr && (home.live &= ~(1u << chain)) == 0)
        vacate(node.place / slots_per_level, node.place % slots_per_level);
    }
  }
  node.place = timer_node::place_idle;
  --size_;
  return true;
}

void wheel::vacate(unsigned level, unsigned digit) noexcept {
  occupancy& occupied = occupied_[level];
  std::uint64_t& word = occupied.map[digit / 64];
  word &= ~(std::uint64_t{1} << (digit % 64));
  if (word != 0) return;
  occupied.summary &= ~(std::uint64_t{1} << (digit / 64));
  if (occupied.summary == 0) occupied_levels_ &= ~(1u << level);
}

unsigned wheel::first_slot(unsigned level) const noexcept {
  const occupancy& occupied = occupied_[level];
  const auto word = static_cast<unsigned>(std::countr_zero(occupied.summary));
  return word * 64 + static_cast<unsigned>(std::countr_zero(occupied.map[word]));
}

std::int64_t wheel::next_due() const noexcept {
  return latest_ ? std::min(latest_->when_ns, next_filed()) : next_filed();
}

std::int64_t wheel::next_filed() const noexcept {
  if (const timer_node* soonest = soonest_.top()) return soonest->when_ns;
  if (occupied_levels_ == 0) return never;
  const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
  return slots_[level * slots_per_level + first_slot(level)].earliest;
}

// REQUIRES: the soonest are none, or the tick is not ahead.
void wheel::move_to(std::uint64_t tick) noexcept {
  if (tick <= position_) return;
  weft_dassert(soonest_.top() == nullptr, "the wheel moves past a timer that is not due");
  position_ = tick;
  soonest_.begin_tick();
}

// Moves the position to the next occupied slot and files its timers again, if that slot begins at or before
// `until_tick`; otherwise moves the position to `until_tick` (never backwards) and returns false.
bool wheel::reach_next_slot(std::uint64_t until_tick) noexcept {
  if (occupied_levels_ == 0) {
    move_to(until_tick);
    return false;
  }
  const auto level = static_cast<unsigned>(std::countr_zero(occupied_levels_));
  const unsigned digit = first_slot(level), shift = level * digit_bits;
  const std::uint64_t start = (position_ >> shift >> digit_bits << digit_bits | digit) << shift;
  if (start > until_tick) {
    move_to(until_tick);  // still before `start`, so W2 holds for every slot
    return false;
  }
  weft_dassert(start > position_, "a slot behind the wheel's position is occupied");
  move_to(start);
  vacate(level, digit);
  file_all(slots_[level * slots_per_level + digit]);  // all go further down, or to the soonest: none comes back here
  soonest_.settle();
  return true;
}

timer_node* wheel::expire(std::int64_t now_ns, std::size_t limit) noexcept {
  file_latest();
  timer_node* first = nullptr;
  timer_node** tail = &first;
  // A slot at a time, and what is due leaves before the next slot comes in: what is handled stays in cache.
  do {
    for (timer_node* node; (node = soonest_.top()) != nullptr && node->when_ns <= now_ns; tail = &node->next) {
      if (limit-- == 0) return *tail = nullptr, first;
      soonest_.pop();
      node->place = timer_node::place_idle;
      --size_;
      *tail = node;
    }
  } while (!soonest_.top() && reach_next_slot(tick_of(now_ns)));
  *tail = nullptr;
  return first;
}

timer_node* wheel::take_all() noexcept {
  const std::uint64_t position = position_;
  timer_node* all = expire(never);
  position_ = position;  // any position is right for an empty wheel
  soonest_.begin_tick();
  return all;
}

void wheel::drain_into(wheel& other) noexcept {
  for (timer_node *node = take_all(), *next; node != nullptr; node = next) {
    next = node->next;
    other.add(*node, node->when_ns);
  }
}

}  // namespace weft::sched
