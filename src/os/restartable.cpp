#include "os/restartable.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

namespace weft::os {

constinit base::atomic<std::ptrdiff_t> rseq_area{0};

namespace {

bool restart() noexcept { return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0; }
bool enlist() noexcept { return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0; }

}  // namespace

void probe_restartable() noexcept {
#if __has_include(<sys/rseq.h>)
  if (__rseq_size != 0 && enlist() && restart()) rseq_area.store(__rseq_offset, base::seq_cst);
#endif
}

void restart_threads() noexcept {
  if (!restart() && enlist()) restart();  // the child of a fork may have to enlist again
}

}  // namespace weft::os
