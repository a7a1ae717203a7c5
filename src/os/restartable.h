// Restartable sequences: what the kernel and the C library do for them (rseq(2), Linux 4.18). What they are for: sync/restartable.h.
#pragma once

#include <cstddef>

#include "base/atomic.h"

namespace weft::os {

// How far behind the thread pointer threads have their struct rseq; 0: no use can be made of it.
[[gnu::visibility("hidden")]] extern base::atomic<std::ptrdiff_t> rseq_area;
void probe_restartable() noexcept;  // where the CPU has them (arch/restartable.h); threads may hold and give back words meanwhile

// Every thread of the process that is within a restartable sequence begins it again: membarrier(PRIVATE_EXPEDITED_RSEQ).
void restart_threads() noexcept;

}  // namespace weft::os
