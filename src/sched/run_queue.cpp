#include "sched/run_queue.h"

namespace weft::sched {

void private_queue::grow() {
  std::uint32_t head = head_.load(base::relaxed), tail = tail_.load(base::relaxed);
  std::uint32_t larger = (mask_ + 1) * 2;
  weft_assert(larger != 0, "a run queue holds at most two thousand million goroutines");
  auto slots = std::make_unique_for_overwrite<std::uintptr_t[]>(larger);
  for (std::uint32_t i = head; i != tail; ++i) slots[i & (larger - 1)] = slots_[i & mask_];
  slots_ = std::move(slots);
  mask_ = larger - 1;
}

void private_queue::shrink() {
  if (!empty() || mask_ == initial - 1) return;
  slots_ = std::make_unique<std::uintptr_t[]>(initial);
  mask_ = initial - 1;
}

}  // namespace weft::sched
