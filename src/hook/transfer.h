// What reading and writing have in common, for sockets and streams.
#pragma once

#include <cstddef>

#include "hook/park.h"

namespace weft::hook {

// What one attempt moves, as soon as it moves anything.
template <class Attempt, class OnThread>
ssize_t move_some(int fd, direction d, Attempt&& attempt, OnThread&& on_thread) {
  const ssize_t moved = attempt();
  if (moved >= 0 || get_errno() != EAGAIN) return moved;
  if (is_nonblocking(fd)) return set_errno(EAGAIN);
  const blocked end = block_until(fd, d, socket_deadline(fd, d), attempt);
  return end.how == verdict::thread_must ? on_thread() : end.count;
}

// A read: whatever is there, as soon as anything is.
template <class Attempt, class OnThread>
ssize_t read_some(int fd, Attempt&& attempt, OnThread&& on_thread) {
  return move_some(fd, direction::read, attempt, on_thread);
}

// Until `all` bytes have gone through: what a blocking write does, and a read with MSG_WAITALL. `attempt(done)` moves some
// of the rest, and `on_thread(done)` does it blocking. An end of stream, an error or the time ends it early; what was moved
// by then counts more than why it ended.
template <class Attempt, class OnThread>
ssize_t move_all(int fd, direction d, std::size_t all, Attempt&& attempt, OnThread&& on_thread) {
  std::size_t done = 0;
  const auto so_far = [&](ssize_t last) { return done > 0 ? static_cast<ssize_t>(done) : last; };
  std::int64_t deadline_ns = 0;
  bool knows_deadline = false;
  while (true) {
    ssize_t moved = attempt(done);
    if (moved < 0 && get_errno() == EAGAIN) {
      if (is_nonblocking(fd)) return so_far(set_errno(EAGAIN));
      if (!knows_deadline) deadline_ns = socket_deadline(fd, d);
      knows_deadline = true;
      const blocked end = block_until(fd, d, deadline_ns, [&] { return attempt(done); });
      moved = end.how == verdict::thread_must ? on_thread(done) : end.count;
    }
    if (moved < 0) return so_far(moved);
    done += static_cast<std::size_t>(moved);
    if (done >= all || moved == 0) return static_cast<ssize_t>(done);
  }
}

}  // namespace weft::hook
