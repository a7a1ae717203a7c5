// The timers of the tick that a wheel has reached, and late ones: what fires next, in exact order.
//
// A heap alone compares log n times per timer, and the CPU guesses each outcome wrong half of the time; where timers come by
// the microsecond there are a hundred in a tick. So the tick is cut into buckets of 256 ns, in no order within. Most hold
// one timer or none: it passes through a heap of its own without a comparison. Many in one bucket, as equal deadlines are,
// cost what they cost in any heap.
//
//   S1  Every bucket up to `settled_` is empty: what belongs there is in the heap. So all in the heap are before all in
//       buckets, and late timers, which belong to the first bucket, are ahead of the rest.
//   S2  When the heap is empty after settle(), so are the buckets.
//   S3  A bucket's head means something only while its bit in `map_` is set.
// Refused: another level of the wheel (its slots have sixteen chains and an earliest deadline each, for one timer).
// Checked by tests/unit/time_wheel.
#pragma once

#include <cstdint>

#include "sched/timer_heap.h"

namespace weft::sched {

class soonest {
 public:
  static constexpr unsigned bucket_bits = 8, buckets = 1u << bucket_bits;

  void begin_tick() noexcept { settled_ = -1; }  // REQUIRES: empty
  void push(timer_node& node, unsigned bucket) noexcept;  // settle() after the last one
  void remove(timer_node& node) noexcept;                 // REQUIRES: node is in here

  // The earliest; null: empty. REQUIRES: settled.
  [[nodiscard]] timer_node* top() const noexcept { return heap_.top(); }
  void pop() noexcept {  // REQUIRES: not empty
    heap_.pop();
    settle();
  }

  // S2.
  void settle() noexcept {
    if (!heap_.top()) open_next();
  }

 private:
  static constexpr unsigned words = buckets / 64;

  void open_next() noexcept;

  timer_heap heap_;
  int settled_ = -1;
  std::uint64_t map_[words] = {};
  timer_node* heads_[buckets];  // never initialised: S3
};

}  // namespace weft::sched
