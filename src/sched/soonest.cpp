#include "sched/soonest.h"

#include <bit>

namespace weft::sched {

void soonest::push(timer_node& node, unsigned bucket) noexcept {
  if (static_cast<int>(bucket) <= settled_) {
    node.place = timer_node::place_heap;
    heap_.push(node);
    return;
  }
  std::uint64_t& word = map_[bucket / 64];
  const std::uint64_t bit = std::uint64_t{1} << (bucket % 64);
  timer_node*& head = heads_[bucket];
  timer_node* const next = (word & bit) != 0 ? head : nullptr;
  if (next != nullptr) next->prev = &node;
  node.next = next;
  node.prev = nullptr;
  node.place = static_cast<std::uint16_t>(timer_node::place_bucket + bucket);
  word |= bit;
  head = &node;
}

void soonest::remove(timer_node& node) noexcept {
  if (node.place == timer_node::place_heap) {
    heap_.remove(node);
    settle();
    return;
  }
  const unsigned bucket = node.place - timer_node::place_bucket;
  if (node.next != nullptr) node.next->prev = node.prev;
  if (node.prev != nullptr) node.prev->next = node.next;
  else if (node.next != nullptr) heads_[bucket] = node.next;
  else map_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
}

// The first bucket that holds something goes into the heap.
void soonest::open_next() noexcept {
  for (unsigned w = settled_ < 0 ? 0 : static_cast<unsigned>(settled_) / 64; w < words; ++w) {  // S1
    if (map_[w] == 0) continue;
    const unsigned bucket = w * 64 + static_cast<unsigned>(std::countr_zero(map_[w]));
    map_[w] &= map_[w] - 1;
    settled_ = static_cast<int>(bucket);
    for (timer_node *node = heads_[bucket], *next; node != nullptr; node = next) {
      next = node->next;
      node->place = timer_node::place_heap;
      heap_.push(*node);
    }
    return;
  }
}

}  // namespace weft::sched
