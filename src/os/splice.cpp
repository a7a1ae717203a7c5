#include "os/splice.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "os/keep_errno.h"
#include "os/without_sigpipe.h"

namespace weft::os {
namespace {

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
  keep_errno kept;
  without_sigpipe quiet;
  const ssize_t count = repeat(call);
  if (count == -EPIPE) quiet.take();
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

}  // namespace weft::os
