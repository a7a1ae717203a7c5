#include "os/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weft::os {

void close_descriptor(int fd) noexcept {
  const int kept = errno;
  ::close(fd);  // not again after EINTR: on Linux it is closed even then
  errno = kept;
}

int set_nonblocking(int fd) noexcept {
  const int kept = errno;
  const int flags = ::fcntl(fd, F_GETFL);
  const int failed = flags < 0 || (!(flags & O_NONBLOCK) && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) ? errno : 0;
  errno = kept;
  return failed;
}

}  // namespace weft::os
