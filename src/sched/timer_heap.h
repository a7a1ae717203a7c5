// The timers that are due soonest, in exact order: a pairing heap threaded through the timers themselves.
//
// Intrusive, because a timer may live on a goroutine's stack and because the caller holds a spin lock: nothing here
// allocates or fails. push O(1), pop and remove O(log n) amortised. Equal deadlines leave in the order of `order`.
// Refused: an array heap of (deadline, pointer): it must grow under the lock, and each move writes the new index into a
// timer that may be out of cache.
#pragma once

#include <cstdint>

namespace weft::sched {

// What the wheel needs to know of a timer. Owned by whoever sleeps; guarded by the lock that guards the wheel.
struct timer_node {
  static constexpr std::uint32_t place_idle = ~0u;      // in no wheel
  static constexpr std::uint32_t place_heap = ~0u - 1;  // among the soonest; any other value is a slot of the wheel

  explicit timer_node(void (*on_fire)(timer_node*) = nullptr) noexcept : fire{on_fire} {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;
  [[nodiscard]] bool idle() const noexcept { return place == place_idle; }

  timer_node* next = nullptr;   // slot: next in the list; heap: next sibling; after expire(): the next to fire
  timer_node* prev = nullptr;   // slot: previous, null at the head; heap: previous sibling; first child: the parent
  timer_node* child = nullptr;  // heap: first child
  std::int64_t when_ns = 0;     // the deadline, CLOCK_MONOTONIC
  std::uint32_t order = 0;  // counts additions to the wheel, and wraps: equal deadlines fire first come, first served
  std::uint32_t place = place_idle;
  void (*fire)(timer_node*);  // for the wheel's owner to call; the wheel never does
};

class timer_heap {
 public:
  [[nodiscard]] timer_node* top() const noexcept { return root_; }  // null: empty
  void push(timer_node& node) noexcept;
  void pop() noexcept;                     // REQUIRES: not empty
  void remove(timer_node& node) noexcept;  // REQUIRES: node is in this heap

 private:
  timer_node* root_ = nullptr;
};

}  // namespace weft::sched
