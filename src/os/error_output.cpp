#include "os/error_output.h"

#include <poll.h>
#include <unistd.h>

#include "os/keep_errno.h"

namespace weft::os {

bool write_error_output(std::string_view text) noexcept {
  const keep_errno kept;
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0 || (room.revents & POLLERR) != 0) return false;
  return ::write(STDERR_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace weft::os
