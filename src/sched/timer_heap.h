// Timers in exact order: a pairing heap threaded through the timers themselves.
//
// Intrusive, because a timer may live on a goroutine's stack and because the caller holds a spin lock: nothing here
// allocates or fails. push O(1), pop and remove O(log n) amortised. Equal deadlines leave in the order of `order`.
// Refused: an array heap of (deadline, pointer): it must grow under the lock, and each move writes the new index into a
// timer that may be out of cache.
#pragma once

#include <cstdint>

#include <weft/detail/timer_kind.h>

namespace weft::sched {

// The kind of those that fire by that function.
template <void (*fire)(timer_node*)>
inline constexpr detail::timer_kind timer_kind_of{fire};

// What the wheel needs to know of a timer. Owned by whoever sleeps; guarded by the lock that guards the wheel.
struct timer_node {
  static constexpr std::uint16_t place_idle = 0xFFFF;    // in no wheel
  static constexpr std::uint16_t place_latest = 0xFFFD;  // added last, not filed yet (wheel.h, W5)
  static constexpr std::uint16_t place_heap = 0xFFFE;    // this and buckets: among the soonest (soonest.h)
  static constexpr std::uint16_t place_bucket = 0xF000;  // ... and beyond: a bucket; any other value is a slot of the wheel

  timer_node() noexcept : kind{nullptr} {}
  explicit timer_node(const detail::timer_kind& is) noexcept : kind{&is} {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;
  [[nodiscard]] bool idle() const noexcept { return place == place_idle; }

  timer_node* next = nullptr;   // slot, bucket: next in the list; heap: next sibling; after expire(): the next to fire
  timer_node* prev = nullptr;   // slot, bucket: previous, null at the head; heap: previous sibling; first child: the parent
  timer_node* child = nullptr;  // heap: first child; slot: the next but one, to be fetched, which may be gone
  std::int64_t when_ns = 0;     // the deadline, CLOCK_MONOTONIC
  const detail::timer_kind* kind;  // for the wheel's owner; the wheel never fires
  std::uint32_t order = 0;  // counts additions to the wheel, and wraps: equal deadlines fire first come, first served
  std::uint16_t place = place_idle;
  // Two bytes are left to what derives from it: a timer with one word more is one line of the cache.
};

class timer_heap {
 public:
  [[nodiscard]] timer_node* top() const noexcept { return root_; }  // null: empty
  void push(timer_node& node) noexcept {
    if (root_ != nullptr) return push_beside(node);
    node.child = nullptr;
    root_ = &node;
  }
  void pop() noexcept { root_ = root_->child != nullptr ? join_siblings(root_->child) : nullptr; }  // REQUIRES: not empty
  void remove(timer_node& node) noexcept;  // REQUIRES: node is in this heap

 private:
  void push_beside(timer_node& node) noexcept;
  static timer_node* join_siblings(timer_node* first) noexcept;

  timer_node* root_ = nullptr;
};

}  // namespace weft::sched
