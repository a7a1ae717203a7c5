// Asks for memory that will be needed soon. Any address may be given.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::base {

inline constexpr std::size_t cache_line = 64;

// The lines of [from, from + bytes).
inline void prefetch(const void* from, std::size_t bytes) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(from), end = begin + bytes;  // numbers: it may be null, or no object's
  for (auto line = begin & ~(cache_line - 1); line < end; line += cache_line) __builtin_prefetch(reinterpret_cast<const void*>(line), 1);
}

}  // namespace weft::base
