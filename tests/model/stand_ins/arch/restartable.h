// Stands in for src/arch/restartable.h: other threads may come in between the two looks and the store, and a heavy fence of
// theirs makes the sequence begin again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"

namespace weft::arch {

inline constexpr bool has_restartable = true;

inline bool compare_and_store(base::atomic<std::uintptr_t>& word, std::uintptr_t expected, std::uintptr_t desired, std::ptrdiff_t,
                              const base::atomic<std::uint32_t>& is_allowed) noexcept {
  while (true) {
    const std::uint32_t since = model::interruptions();
    if (is_allowed.load(base::acquire) == 0 || word.load(base::relaxed) != expected) return false;
    if (word.store_unless_interrupted(desired, base::release, since)) return true;
  }
}

}  // namespace weft::arch
