// What a run queue holds: a goroutine to resume or a newborn to start, told apart by the pointer's lowest bit.
#pragma once

#include <cstdint>

#include <weft/detail/newborn.h>

#include "sched/goroutine.h"

namespace weft::sched {

class runnable {
 public:
  constexpr runnable() noexcept = default;
  constexpr explicit runnable(std::uintptr_t word) noexcept : word_(word) {}
  explicit runnable(goroutine* g) noexcept : word_(reinterpret_cast<std::uintptr_t>(g)) {}
  explicit runnable(detail::newborn* n) noexcept : word_(reinterpret_cast<std::uintptr_t>(n) | 1) {}

  explicit operator bool() const noexcept { return word_ != 0; }
  [[nodiscard]] bool is_newborn() const noexcept { return (word_ & 1) != 0; }
  [[nodiscard]] goroutine* as_goroutine() const noexcept { return reinterpret_cast<goroutine*>(word_); }
  [[nodiscard]] detail::newborn* as_newborn() const noexcept { return reinterpret_cast<detail::newborn*>(word_ - 1); }
  [[nodiscard]] std::uintptr_t word() const noexcept { return word_; }

 private:
  std::uintptr_t word_ = 0;
};

}  // namespace weft::sched
