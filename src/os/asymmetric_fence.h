// A pair of fences that makes one side of a Dekker handshake free (P1202's asymmetric fences).
//
// Both sides write their own word, fence, and read the other's; at least one sees the other's write. The side that runs
// all the time uses light_fence(), which only stops the compiler; the rare side uses heavy_fence(), which makes every
// thread of the process pass a full barrier (membarrier PRIVATE_EXPEDITED: 350 ns alone, 8 µs when others run). Where the
// kernel refuses membarrier, both sides use a full fence.
#pragma once

#include "base/atomic.h"

namespace weft::os {

[[gnu::visibility("hidden")]] extern bool has_membarrier;     // written once, before the first worker starts
void probe_membarrier() noexcept;

inline void light_fence() noexcept {
  if (has_membarrier) [[likely]] base::compiler_fence();
  else base::thread_fence(base::seq_cst);
}
void heavy_fence() noexcept;

}  // namespace weft::os
