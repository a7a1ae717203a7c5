// Stands in for src/os/restartable.h: membarrier as the kernel documents it (engine/platform.cpp).
#pragma once

#include <cstddef>

#include "base/atomic.h"
#include "os/asymmetric_fence.h"

namespace weft::os {

inline base::atomic<std::ptrdiff_t> rseq_area{1};
inline void probe_restartable() noexcept {}
inline void restart_threads(model::site where = model::site::here()) noexcept { model::heavy_fence(where); }

}  // namespace weft::os
