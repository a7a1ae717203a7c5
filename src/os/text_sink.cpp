#include "os/text_sink.h"

#include <algorithm>
#include <climits>
#include <poll.h>
#include <unistd.h>

#include "os/keep_errno.h"

namespace weft::os {

bool text_sink::write(std::string_view text) noexcept {
  const keep_errno keep;
  while (!text.empty() && !has_given_up_) {
    // A pipe that is said to be writable takes this much without blocking.
    pollfd ready{descriptor_, POLLOUT, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(patience_ns_ / 1'000'000));
    if (count < 0 && errno == EINTR) continue;
    const ssize_t written = count == 1 ? ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF)) : -1;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    else if (count != 1 || (errno != EINTR && errno != EAGAIN)) has_given_up_ = true;
  }
  return !has_given_up_;
}

}  // namespace weft::os
