#include "sched/run_queue.h"

namespace weft::sched {

void private_queue::move_into(std::unique_ptr<std::uintptr_t[]>& storage, std::uint32_t slots) noexcept {
  const std::uint32_t tail = tail_.load(base::relaxed);
  for (std::uint32_t i = head_.load(base::relaxed); i != tail; ++i) storage[i & (slots - 1)] = slots_[i & mask_];
  slots_.swap(storage);
  mask_ = slots - 1;
}

void private_queue::grow() {
  const std::uint32_t larger = slots() * 2;
  weft_assert(larger != 0, "a run queue holds at most two thousand million goroutines");
  auto storage = std::make_unique_for_overwrite<std::uintptr_t[]>(larger);
  move_into(storage, larger);
}

void private_queue::shrink() {
  if (!empty() || mask_ == initial - 1) return;
  slots_ = std::make_unique<std::uintptr_t[]>(initial);
  mask_ = initial - 1;
}

}  // namespace weft::sched
