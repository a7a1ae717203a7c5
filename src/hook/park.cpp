#include "hook/park.h"

#include <fcntl.h>

#include <algorithm>

#include "os/process_threads.h"
#include "sched/seam.h"

namespace weft::hook {

int& as_thread::depth() noexcept {
  static thread_local int depth = 0;
  return depth;
}

// Not while the runtime does its own business, nor on a stack that is not the goroutine's: a signal handler's, or that of
// somebody else's coroutine.
bool may_park_here(const sched::worker& w) noexcept {
  const sched::goroutine* const g = w.current;
  if (!g || w.inside.load(base::relaxed) != 0) return false;
  const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
  return here >= g->stack.base && here < g->stack.top && as_thread::depth() == 0;
}

int get_errno() noexcept { return errno; }

int set_errno(int value) noexcept {
  errno = value;
  return -1;
}

bool is_time(const timespec& span) noexcept { return span.tv_sec >= 0 && span.tv_nsec >= 0 && span.tv_nsec < 1'000'000'000; }

std::int64_t since_zero(const timespec& time) noexcept {
  std::int64_t ns;
  if (__builtin_mul_overflow(std::int64_t{time.tv_sec}, std::int64_t{1'000'000'000}, &ns) ||
      __builtin_add_overflow(ns, std::int64_t{time.tv_nsec}, &ns))
    return os::no_deadline;
  return ns;
}

std::int64_t deadline_after(const timespec& span) noexcept {
  std::int64_t ns;
  return __builtin_add_overflow(since_zero(span), sched::now_ns(), &ns) ? os::no_deadline : ns;
}

timespec span_until(std::int64_t deadline_ns) noexcept {
  const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - sched::now_ns(), 0);
  return {left_ns / 1'000'000'000, left_ns % 1'000'000'000};
}

bool is_nonblocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 || (flags & O_NONBLOCK) != 0;
}

std::int64_t socket_deadline(int fd, direction d) noexcept {
  timeval limit{};
  socklen_t size = sizeof limit;
  const int which = d == direction::read ? SO_RCVTIMEO : SO_SNDTIMEO;
  if (::getsockopt(fd, SOL_SOCKET, which, &limit, &size) != 0 || (limit.tv_sec == 0 && limit.tv_usec == 0))
    return os::no_deadline;
  return deadline_after({limit.tv_sec, limit.tv_usec * 1000});
}

bool has_scheduler() noexcept { return os::owns_process(); }

blocked finish(const poll::attempt& result) noexcept {
  switch (result.error) {
    case 0: return {verdict::done, result.count};
    case ETIMEDOUT: set_errno(EAGAIN); break;
    case ECANCELED: set_errno(EBADF); break;
    default: set_errno(-result.error); break;
  }
  return {verdict::failed, -1};
}

}  // namespace weft::hook
