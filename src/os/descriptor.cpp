#include "os/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/keep_errno.h"

namespace weft::os {

void close_descriptor(int fd) noexcept {
  keep_errno kept;
  ::close(fd);  // not again after EINTR: on Linux it is closed even then
}

int set_nonblocking(int fd) noexcept {
  keep_errno kept;
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 || (!(flags & O_NONBLOCK) && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) ? errno : 0;
}

void remove_file(const char* path) noexcept {
  keep_errno kept;
  ::unlink(path);
}

}  // namespace weft::os
