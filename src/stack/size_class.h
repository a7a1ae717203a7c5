// Size classes: what a requested stack size is rounded up to, so that stacks of nearly the same size share a depot.
//
// Up to eight units each size is its own class; above, eight classes per power of two (at most 1/8 of address space
// more than asked for). A unit is two pages, so that a slot (usable part plus a guard of three pages of 4 KiB) is an
// odd number of pages: the tops of neighbouring stacks then fall into different cache and TLB sets.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "os/memory.h"

namespace weft::stack {

inline constexpr std::size_t smallest_stack = 16 * 1024;
inline constexpr std::size_t largest_stack = std::size_t{1} << 40;
inline constexpr std::size_t size_classes = 208;

inline std::size_t size_unit() noexcept { return std::max<std::size_t>(2 * os::page_size(), 8 * 1024); }

// REQUIRES: bytes <= largest_stack
inline std::size_t class_of(std::size_t bytes) noexcept {
  const std::size_t unit = size_unit();
  const std::size_t units = (std::max(bytes, smallest_stack) + unit - 1) / unit;
  if (units <= 8) return units;
  const int shift = std::bit_width(units - 1) - 4;
  const std::size_t eighths = (units + (std::size_t{1} << shift) - 1) >> shift;  // 9..16
  return 8 * static_cast<std::size_t>(shift) + eighths;
}

inline std::size_t class_size(std::size_t index) noexcept {
  if (index <= 8) return index * size_unit();
  const std::size_t shift = (index - 9) / 8;
  return ((index - 8 * shift) << shift) * size_unit();
}

struct slot_shape {
  std::size_t usable;
  std::size_t guard;
  [[nodiscard]] std::size_t bytes() const noexcept { return usable + guard; }
};

inline slot_shape shape_of_class(std::size_t index) noexcept {
  const std::size_t page = os::page_size();
  return {.usable = class_size(index), .guard = (12 * 1024 + page - 1) / page * page};
}

}  // namespace weft::stack
