#include "os/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/race.h"
#include "os/keep_errno.h"

namespace weft::os {

void close_descriptor(int fd) noexcept {
  keep_errno kept;
  const base::race::quiet unnoticed;  // a close() among reads and writes is no mistake: the last of them comes here
  ::close(fd);  // not again after EINTR: on Linux it is closed even then
}

int set_nonblocking(int fd) noexcept {
  keep_errno kept;
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 || (!(flags & O_NONBLOCK) && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) ? errno : 0;
}

bool is_always_ready(int fd) noexcept {
  keep_errno kept;
  struct stat about;
  return ::fstat(fd, &about) == 0 && (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
}

void remove_file(const char* path) noexcept {
  keep_errno kept;
  ::unlink(path);
}

}  // namespace weft::os
