// Stands in for src/os/asymmetric_fence.h: membarrier as the kernel documents it (engine/platform.cpp).
#pragma once

#include "base/atomic.h"

namespace model {
void heavy_fence(site) noexcept;
}

namespace weft::os {

inline constexpr bool has_membarrier = true;
inline void probe_membarrier() noexcept {}
inline void light_fence() noexcept { base::compiler_fence(); }
inline void heavy_fence(model::site where = model::site::here()) noexcept { model::heavy_fence(where); }

}  // namespace weft::os
