// _exit(2), for threads that the race detector is told not to look at: it would complain of that at their end.
#pragma once

#include <unistd.h>

#ifdef WEFT_TSAN
#include <sys/syscall.h>
#endif

namespace weft::os {

[[noreturn]] inline void end_process(int status) noexcept {
#ifdef WEFT_TSAN
  ::syscall(SYS_exit_group, status);
#endif
  ::_exit(status);
}

}  // namespace weft::os
