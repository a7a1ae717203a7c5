// Asks for memory that will be needed soon. Any address may be given.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::base {

inline constexpr std::size_t cache_line = 64;

// The lines of [from, from + bytes), and the one before the end.
inline void prefetch(const void* from, std::size_t bytes) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(from);  // a number: it may be null, or no object's
  for (std::size_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(reinterpret_cast<const void*>(at + i), 1);
}

}  // namespace weft::base
