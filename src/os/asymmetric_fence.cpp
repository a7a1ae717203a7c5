#include "os/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unusual.h"

namespace weft::os {

bool has_membarrier = false;

void probe_membarrier() noexcept {
  has_membarrier = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
                   ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  base::note_unusual(base::unusual_fences, !has_membarrier);
}

void heavy_fence() noexcept {
  base::thread_fence(base::seq_cst);
  if (has_membarrier) ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

}  // namespace weft::os
