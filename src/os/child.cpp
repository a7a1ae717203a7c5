#include "os/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include "os/keep_errno.h"

namespace weft::os {
namespace {

// posix_spawn(): the child shares our memory until it is its program (no copy of page tables, whatever our size), on a
// stack of its own, with all signals blocked; what exec says comes back as the result.
class spawn_recipe {
 public:
  spawn_recipe() noexcept {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  spawn_recipe(const spawn_recipe&) = delete;
  spawn_recipe& operator=(const spawn_recipe&) = delete;
  ~spawn_recipe() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  int streams(const int (&from)[3]) noexcept {
    for (int to = 0; to < 3; ++to) {
      if (from[to] == to && ::fcntl(to, F_GETFD) < 0) continue;  // closed here, closed there
      const int failed = from[to] < 0 ? posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDWR, 0)
                                      : posix_spawn_file_actions_adddup2(&actions_, from[to], to);
      if (failed) return failed;
    }
    return posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
  }
  int directory(const char* path) noexcept {
    return path ? posix_spawn_file_actions_addchdir_np(&actions_, path) : 0;
  }
  int attributes(bool own_group) noexcept {
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (own_group) flags |= POSIX_SPAWN_SETPGROUP;  // with group 0: its own
    sigset_t none, back_to_default;
    sigemptyset(&none);
    sigemptyset(&back_to_default);
    // Handlers do not survive exec, but an ignored SIGPIPE does, and surprises: servers ignore it, filters need it.
    sigaddset(&back_to_default, SIGPIPE);
    if (int failed = posix_spawnattr_setsigmask(&attributes_, &none)) return failed;
    if (int failed = posix_spawnattr_setsigdefault(&attributes_, &back_to_default)) return failed;
    return posix_spawnattr_setflags(&attributes_, flags);
  }
  int run(const child_plan& plan, pid_t& child) noexcept {
    char* const* const environment = plan.environment ? plan.environment : environ;
    return posix_spawnp(&child, plan.program, &actions_, &attributes_, plan.arguments, environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

pid_t start_child(const child_plan& plan) noexcept {
  keep_errno kept;
  // Sources among 0, 1 and 2 that change places would be overwritten before they are read: they move out of the way.
  int from[3], moved[3] = {-1, -1, -1};
  int failed = 0;
  for (int to = 0; to < 3 && !failed; ++to) {
    from[to] = plan.streams[to];
    if (from[to] < 0 || from[to] > 2 || from[to] == to) continue;
    from[to] = moved[to] = ::fcntl(from[to], F_DUPFD_CLOEXEC, 3);
    if (from[to] < 0) failed = errno;
  }
  pid_t child = -1;
  if (!failed) {
    spawn_recipe recipe;
    failed = recipe.streams(from);
    if (!failed) failed = recipe.directory(plan.directory);
    if (!failed) failed = recipe.attributes(plan.own_group);
    if (!failed) failed = recipe.run(plan, child);
  }
  for (const int fd : moved)
    if (fd >= 0) ::close(fd);
  return failed ? -failed : child;
}

int open_pidfd(pid_t child) noexcept {
  keep_errno kept;
  const long fd = ::syscall(SYS_pidfd_open, child, 0);  // closed on exec
  return fd < 0 ? -errno : static_cast<int>(fd);
}

child_end take_child(pid_t child) noexcept {
  keep_errno kept;
  siginfo_t info{};
  const int failed = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG);
  if (failed) return {.failed = errno};
  if (info.si_pid == 0) return {.failed = EAGAIN};
  return {.by_signal = info.si_code != CLD_EXITED, .dumped_core = info.si_code == CLD_DUMPED, .number = info.si_status};
}

void await_child(pid_t child) noexcept {
  keep_errno kept;
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

int signal_child(pid_t child, bool to_group, int signal) noexcept {
  keep_errno kept;
  return ::kill(to_group ? -child : child, signal) == 0 ? 0 : -errno;
}

}  // namespace weft::os
