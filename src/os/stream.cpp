#include "os/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "os/keep_errno.h"
#include "os/without_sigpipe.h"

namespace weft::os {
namespace {

template <class Call>
auto negative_errno(Call&& call) noexcept {
  keep_errno kept;
  auto got = call();
  while (got < 0 && errno == EINTR) got = call();
  return got < 0 ? static_cast<decltype(got)>(-errno) : got;
}

// Takes the place of a descriptor that is 0, 1 or 2.
int above_stdio(int fd) noexcept {
  if (fd > 2) return fd;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  const int failed = errno;
  ::close(fd);
  return higher < 0 ? -failed : higher;
}

}  // namespace

int make_blocking_pipe(int (&fds)[2]) noexcept {
  keep_errno kept;
  if (::pipe2(fds, O_CLOEXEC) != 0) return -errno;
  fds[0] = above_stdio(fds[0]);
  fds[1] = above_stdio(fds[1]);
  if (fds[0] >= 0 && fds[1] >= 0) return 0;
  const int failed = fds[0] < 0 ? fds[0] : fds[1];
  for (const int fd : fds)
    if (fd >= 0) ::close(fd);
  return failed;
}

ssize_t read_stream(int fd, void* into, std::size_t size) noexcept {
  return negative_errno([&] { return ::read(fd, into, size); });
}

ssize_t write_stream(int fd, const void* from, std::size_t size) noexcept {
  keep_errno kept;
  without_sigpipe quiet;
  // Not write(): weft::hook may stand in front of that and park the goroutine, and this thread would be left quiet.
  const iovec one{const_cast<void*>(from), size};
  const ssize_t sent = negative_errno([&] { return ::pwritev2(fd, &one, 1, -1, 0); });
  if (sent == -EPIPE) quiet.take();
  return sent;
}

int open_file(const char* path, int flags, mode_t mode) noexcept {
  return negative_errno([&] { return ::open(path, flags | O_CLOEXEC | O_NOCTTY, mode); });
}

ssize_t read_now(int fd, void* into, std::size_t size, std::int64_t at) noexcept {
  const iovec one{into, size};
  return negative_errno([&] { return ::preadv2(fd, &one, 1, at, RWF_NOWAIT); });
}

ssize_t read_at(int fd, void* into, std::size_t size, std::int64_t at) noexcept {
  return negative_errno([&] { return ::pread(fd, into, size, at); });
}

ssize_t write_at(int fd, const void* from, std::size_t size, std::int64_t at) noexcept {
  return negative_errno([&] { return ::pwrite(fd, from, size, at); });
}

std::int64_t seek_file(int fd, std::int64_t offset, int whence) noexcept {
  return negative_errno([&] { return std::int64_t{::lseek(fd, offset, whence)}; });
}

std::int64_t file_size(int fd) noexcept {
  struct stat about;
  const int failed = negative_errno([&] { return ::fstat(fd, &about); });
  return failed < 0 ? failed : std::int64_t{about.st_size};
}

int resize_file(int fd, std::int64_t size) noexcept {
  return negative_errno([&] { return ::ftruncate(fd, size); });
}

int sync_file(int fd) noexcept {
  return negative_errno([&] { return ::fsync(fd); });
}

int close_file(int fd) noexcept {
  keep_errno kept;
  return ::close(fd) == 0 || errno == EINTR ? 0 : -errno;  // after EINTR it is closed, on Linux
}

}  // namespace weft::os
