#include "os/splice.h"

#include <fcntl.h>
#include <pthread.h>
#include <csignal>
#include <ctime>
#include <sys/sendfile.h>
#include <unistd.h>

#include "os/keep_errno.h"

namespace weft::os {
namespace {

// sendfile and splice have no MSG_NOSIGNAL: the signal is held off, and taken back if it was ours.
class without_sigpipe {
 public:
  without_sigpipe() noexcept {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~without_sigpipe() {
    const int kept = errno;
    if (is_broken && !was_pending_) {
      const timespec at_once{};
      while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = kept;
  }
  without_sigpipe(const without_sigpipe&) = delete;
  without_sigpipe& operator=(const without_sigpipe&) = delete;

  bool is_broken = false;

 private:
  sigset_t pipe_, before_;
  bool was_pending_;
};

template <class Call>
ssize_t repeat(Call call) noexcept {
  keep_errno kept;
  ssize_t count;
  do count = call();
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

template <class Call>
ssize_t repeat_without_sigpipe(Call call) noexcept {
  without_sigpipe quiet;
  const ssize_t count = repeat(call);
  quiet.is_broken = count == -EPIPE;
  return count;
}

}  // namespace

ssize_t send_file(int to_socket, int from_file, std::size_t most) noexcept {
  return repeat_without_sigpipe([&] { return ::sendfile(to_socket, from_file, nullptr, most); });
}
ssize_t splice(int to, int from, std::size_t most) noexcept {
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  return repeat_without_sigpipe([&] { return ::splice(from, nullptr, to, nullptr, most, flags); });
}
int make_splice_pipe(int (&fds)[2]) noexcept {
  keep_errno kept;
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
  ::fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
  return 0;
}
ssize_t read_some(int fd, void* into, std::size_t size) noexcept {
  return repeat([&] { return ::read(fd, into, size); });
}
ssize_t write_some(int fd, const void* from, std::size_t size) noexcept {
  return repeat_without_sigpipe([&] { return ::write(fd, from, size); });
}

}  // namespace weft::os
