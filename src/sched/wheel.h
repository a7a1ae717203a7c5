// One processor's timers: a hierarchical timing wheel in front of a small exact queue (soonest.h).
//
// Most deadlines never come: a timer is added, and removed when the awaited thing happens. So add and remove are O(1)
// here, at any number of timers, and exact order is paid for only by those that are about to fire.
//
// Time is cut into ticks of 2^16 ns. A tick number is read as digits of 10 bits, one per level:
//
//     level   slot width   spans          A timer is filed at the level of the highest digit in which its tick differs
//     0       65.5 µs      67 ms          from the wheel's position, in the slot named by its own digit. When the
//     1       67 ms        68.7 s         position reaches a slot, the slot's timers are filed again: lower down, or,
//     2       68.7 s       19.5 h         from level 0, to the soonest. A timer is moved at most once per level it was
//     3       19.5 h       2.28 years     filed above, and no deadline an int64 can hold is too far away.
//     4       2.28 years   292 years
//
//   W1  The soonest are exactly the timers whose tick is at or before the position; they fire from there, precisely.
//   W2  A timer at level k agrees with the position in all digits above k and is ahead of it in digit k. So every timer
//       of the soonest is due before every one at level 0, those before every one at level 1, and so on; and the first
//       occupied slot of the lowest occupied level is the next to be reached.
//   W3  A slot's contents mean something only while its bit in the level's occupancy map is set, and the head of a chain
//       only while the chain's bit in slot.live is. Slots are never initialised: the memory of slots that were never used
//       is never touched.
//   W4  slot.earliest is at or before every deadline in the slot, and not before the slot's own start.
//   W5  The timer that was added last is in none of these, but at hand: it is filed when the next one is added, or time is
//       looked at. A time-out around a call that returns at once is gone by then.
//
// With very many timers the cost is cache misses, so a timer is touched as rarely as can be: when it is added, when its
// slot is reached (once or twice), and when it fires. A slot keeps sixteen chains and walks them side by side, so that
// their misses overlap; a million timers fire twice as fast for it.
//
// Not thread-safe: the owner of the wheel guards it, and the nodes in it, by one lock. Nothing here allocates after the
// constructor, calls back, or fails.
//
// Refused: a heap alone (docs/design/timers.md has the figures); levels chosen by distance rather than by digit, which
// mixes the order of levels and makes next_due() look at all of them.
// Checked by tests/unit/time_wheel against a std::multimap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "sched/soonest.h"

namespace weft::sched {

class wheel {
 public:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  explicit wheel(std::int64_t now_ns = 0);  // reserves 792 KiB; pages are touched as slots are used

  // Queues an idle node; a deadline that has passed is due at once. O(1), or O(log n) of those due within 65 µs.
  // A wheel whose position is far behind the clock (no expire() for long) files higher than needed: slower, still right.
  void add(timer_node& node, std::int64_t when_ns) noexcept;

  // True: the node was queued, and is idle. False: it was not queued: never added, removed, or expired.
  bool remove(timer_node& node) noexcept;

  // When to call expire() next; `never` when empty. Never later than the earliest deadline. Exact, unless the earliest
  // timer of the first occupied slot was removed while others of that slot stay: then early by less than the slot's
  // width, and each expire() at that time makes the answer finer by one level (at most four such calls, then exact).
  [[nodiscard]] std::int64_t next_due() const noexcept;

  // Takes out up to `limit` timers due at `now_ns`, as a list through `next` in order of deadline, each idle again. When
  // the limit cut it short, next_due() stays at or before `now_ns`. A `now_ns` that stands still or steps back is fine.
  // A listed node is in the caller's hands: whoever may free one has to know by other means that it was fired.
  timer_node* expire(std::int64_t now_ns, std::size_t limit = std::numeric_limits<std::size_t>::max()) noexcept;

  // Takes out everything, in order of deadline, as expire() does; the position stays. For handing timers to another wheel.
  timer_node* take_all() noexcept;
  void drain_into(wheel& other) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr unsigned tick_bits = 16, digit_bits = 10, levels = 5;
  static constexpr unsigned slots_per_level = 1u << digit_bits, words = slots_per_level / 64;

  static constexpr unsigned chains = 16;  // a node's chain is its `order` modulo this

  struct alignas(64) slot {
    timer_node* heads[chains];
    std::int64_t earliest;
    std::uint32_t live;  // bit c: chain c is not empty
  };
  struct occupancy {
    std::uint64_t summary = 0;  // bit w: map[w] is not zero
    std::uint64_t map[words] = {};
  };

  static std::uint64_t tick_of(std::int64_t when_ns) noexcept;
  void move_to(std::uint64_t tick) noexcept;
  [[nodiscard]] std::int64_t next_filed() const noexcept;
  void file(timer_node& node) noexcept;
  void file_latest() noexcept;
  void file_soon(timer_node& node, std::uint64_t tick) noexcept;
  void file_ahead(timer_node& node, std::uint64_t tick) noexcept;
  void file_in_slot(timer_node& node, unsigned level, unsigned digit) noexcept;
  void file_first(timer_node& node, unsigned level, unsigned digit) noexcept;
  void push(timer_node& node, unsigned index) noexcept;
  void file_all(slot& from) noexcept;
  bool reach_next_slot(std::uint64_t until_tick) noexcept;
  unsigned first_slot(unsigned level) const noexcept;
  void vacate(unsigned level, unsigned digit) noexcept;

  timer_node* latest_ = nullptr;  // W5; null: it was filed or removed
  soonest soonest_;
  std::uint64_t position_;   // a tick
  std::uint32_t added_ = 0;  // source of timer_node::order
  std::size_t size_ = 0;
  unsigned occupied_levels_ = 0;   // bit k: level k has a timer
  std::unique_ptr<slot[]> slots_;  // level k's begin at k * slots_per_level
  occupancy occupied_[levels];
};

}  // namespace weft::sched
