#include "inspect/stopped_thread.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <ctime>

#include "inspect/thread_registers.h"
#include "os/clock.h"

namespace weft::tool {

stopped_thread::stopped_thread(pid_t thread) : thread_(thread) {
  // Seized, not attached: no signal is sent, and it stays stopped if it was by somebody else.
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0 ||
      ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0) {
    error_ = errno;
    return;
  }
  constexpr std::int64_t patience_ns = 50'000'000;
  for (const std::int64_t give_up = os::monotonic_ns() + patience_ns;;) {
    int status = 0;
    const pid_t changed = ::waitpid(thread, &status, __WALL | WNOHANG);
    if (changed == thread) {
      is_stopped_ = WIFSTOPPED(status);
      if (!is_stopped_) error_ = ESRCH;
      return;
    }
    if (changed < 0 || os::monotonic_ns() > give_up) {
      error_ = changed < 0 ? errno : ETIMEDOUT;
      return;
    }
    const timespec moment{0, 20'000};
    ::nanosleep(&moment, nullptr);
  }
}

// One that could not be stopped is let go by the kernel when this program ends.
stopped_thread::~stopped_thread() {
  if (is_stopped_) ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
}

std::optional<arch::registers> stopped_thread::registers() const noexcept {
  user_regs_struct user;
  iovec into{&user, sizeof user};
  if (!is_stopped_ || ::ptrace(PTRACE_GETREGSET, thread_, NT_PRSTATUS, &into) != 0) return std::nullopt;
  return registers_of(user);
}

}  // namespace weft::tool
