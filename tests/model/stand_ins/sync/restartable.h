// Stands in for src/sync/restartable.h: what it promises, with other threads let in between look and store, and membarrier as
// the kernel documents it (engine/platform.cpp).
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "os/asymmetric_fence.h"

namespace weft {

inline bool store_if_still(base::atomic<std::uintptr_t>& word, std::uintptr_t expected, std::uintptr_t desired,
                           model::site where = model::site::here()) noexcept {
  while (true) {
    const std::uint32_t since = model::interruptions();
    if (word.load(base::relaxed, where) != expected) return false;
    if (word.store_unless_interrupted(desired, base::release, since, where)) return true;
  }
}
inline void restart_all(model::site where = model::site::here()) noexcept { model::heavy_fence(where); }

}  // namespace weft
