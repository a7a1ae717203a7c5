// read, write, readv, writev: on sockets, pipes, terminals, and whatever else has a descriptor.
//
// Sockets come first, for MSG_DONTWAIT; the refusal costs others one short system call. Then preadv2() and pwritev2() with
// RWF_NOWAIT, for a position of -1 the same as readv and writev: pipes, event descriptors, and files in the page cache. Then
// what knows none of these (terminals; sockets and pipes before Linux 6.4 and 5.9): polled first, and then called as it is.
#include <climits>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/pieces.h"
#include "hook/transfer.h"

namespace weft::hook {
namespace {

// The kernel, or the file, does not know how not to wait.
bool is_unknown(int error) noexcept { return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL; }

bool is_ready(int fd, short events) noexcept {
  pollfd one{fd, events, 0};
  return real::poll(&one, 1, 0) != 0;
}

bool is_fifo(int fd) noexcept {
  struct stat about;
  return ::fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode);
}

ssize_t read_once(int fd, const iovec* into, int count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(into);
  message.msg_iovlen = static_cast<std::size_t>(count);
  ssize_t got = real::recvmsg(fd, &message, MSG_DONTWAIT);
  if (got >= 0 || get_errno() != ENOTSOCK) return got;
  got = ::preadv2(fd, into, count, -1, RWF_NOWAIT);
  if (got >= 0 || !is_unknown(get_errno())) return got;
  return is_ready(fd, POLLIN) ? real::readv(fd, into, count) : set_errno(EAGAIN);
}

// A socket whose peer has gone signals only those that have moved nothing.
ssize_t write_once(int fd, const iovec* from, int count, bool is_first) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from);
  message.msg_iovlen = static_cast<std::size_t>(count);
  ssize_t sent = real::sendmsg(fd, &message, MSG_DONTWAIT | (is_first ? 0 : MSG_NOSIGNAL));
  if (sent >= 0 || get_errno() != ENOTSOCK) return sent;
  sent = ::pwritev2(fd, from, count, -1, RWF_NOWAIT);
  if (sent >= 0 || !is_unknown(get_errno())) return sent;
  if (!is_ready(fd, POLLOUT)) return set_errno(EAGAIN);
  // A pipe that is ready has room for so much, and would wait for the rest.
  if (is_fifo(fd) && total(from, static_cast<std::size_t>(count)) > PIPE_BUF) {
    const iovec* piece = from;
    while (piece->iov_len == 0) ++piece;
    return real::write(fd, piece->iov_base, std::min<std::size_t>(piece->iov_len, PIPE_BUF));
  }
  return real::writev(fd, from, count);
}

ssize_t read_parking(int fd, const iovec* into, int count) {
  return read_some(fd, [=] { return read_once(fd, into, count); }, [=] { return real::readv(fd, into, count); });
}

ssize_t write_parking(int fd, const iovec* from, int count) {
  const auto length = static_cast<std::size_t>(count);
  const std::size_t all = total(from, length);
  const ssize_t sent = write_once(fd, from, count, true);
  if (sent < 0 ? get_errno() != EAGAIN : static_cast<std::size_t>(sent) >= all || sent == 0) return sent;
  pieces left(from, length);
  std::size_t dropped = 0;
  const auto rest = [&](std::size_t done) {
    left.drop(done - dropped);
    dropped = done;
    return static_cast<int>(left.count());
  };
  const auto here = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  const ssize_t later = move_all(
      fd, direction::write, all - here,
      [&](std::size_t done) {
        const int more = rest(here + done);
        return write_once(fd, left.data(), more, here + done == 0);
      },
      [&](std::size_t done) {
        const int more = rest(here + done);
        return real::writev(fd, left.data(), more);
      });
  if (later < 0) return sent > 0 ? sent : later;
  return static_cast<ssize_t>(here) + later;
}

bool is_vector(const iovec* vectors, int count) noexcept { return vectors && count > 0 && count <= IOV_MAX; }

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

extern "C" {

ssize_t read(int fd, void* into, size_t size) {
  if (size == 0 || !may_park()) return real::read(fd, into, size);
  const iovec one{into, size};
  return with_errno([&] { return read_parking(fd, &one, 1); });
}

ssize_t write(int fd, const void* from, size_t size) {
  if (size == 0 || !may_park()) return real::write(fd, from, size);
  const iovec one{const_cast<void*>(from), size};
  return with_errno([&] { return write_parking(fd, &one, 1); });
}

ssize_t readv(int fd, const iovec* into, int count) {
  if (!is_vector(into, count) || !may_park()) return real::readv(fd, into, count);
  return with_errno([&] { return read_parking(fd, into, count); });
}

ssize_t writev(int fd, const iovec* from, int count) {
  if (!is_vector(from, count) || !may_park()) return real::writev(fd, from, count);
  return with_errno([&] { return write_parking(fd, from, count); });
}

}  // extern "C"
