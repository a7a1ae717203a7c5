// Whether a call parks, and how. Every function of the hook is one of these:
//
//   if (!may_park()) return real::recv(...);              // threads, the runtime itself: libc, untouched
//   attempt without blocking; succeeded or failed: that is the result
//   block(fd, direction::read, attempt);                  // the program left it blocking: park until the attempt succeeds
//
//   K1  The kernel is asked whether a descriptor blocks and how long (O_NONBLOCK, SO_RCVTIMEO), when a call would have to
//       wait and never before. Nothing of that is remembered, so it cannot be out of date: descriptors may be dup()ed,
//       received over a socket, changed by another process that shares them, or inside libc.
//   K2  O_NONBLOCK is never set on what others may share. Sockets have MSG_DONTWAIT, streams preadv2(RWF_NOWAIT); what has
//       neither is polled first. The one exception is connect().
//   K3  errno travels with the goroutine: a call that fails sets it on the thread that it returns on, and one that succeeds
//       leaves there what it found where it began. Programs do rely on that: MariaDB's client keeps errno over a usleep()
//       that it makes between connect() and the look at EINPROGRESS. It is touched through functions that cannot be
//       inlined, for the compiler believes that its address never changes within a function.
#pragma once

#include <cerrno>

#include "hook/real.h"
#include "os/futex.h"
#include "poll/foreign.h"
#include "sched/worker.h"

namespace weft::hook {

using poll::direction;

// While it lives, calls of this thread are not the hook's business. No parking inside.
class as_thread {
 public:
  as_thread() noexcept { ++depth(); }
  ~as_thread() { --depth(); }
  as_thread(const as_thread&) = delete;
  as_thread& operator=(const as_thread&) = delete;
  [[gnu::noinline]] static int& depth() noexcept;
};

[[nodiscard]] bool may_park_here(const sched::worker& w) noexcept;
[[nodiscard]] inline bool may_park() noexcept {
  const sched::worker* const w = sched::this_worker();
  return w && may_park_here(*w);
}

// Asked before anything of the runtime is touched that could wait: in a child of fork(), nobody would ever wake it.
[[nodiscard]] bool has_scheduler() noexcept;

[[nodiscard]] [[gnu::noinline]] int get_errno() noexcept;
[[gnu::noinline]] int set_errno(int value) noexcept;  // returns -1, as most functions do with it

// K3, for a function that returns something negative when it fails.
template <class Call>
auto with_errno(Call&& call) {
  const int before = get_errno();
  const auto result = call();
  if (result >= 0) set_errno(before);
  return result;
}

// The deadline that a relative time stands for, by the clock of the caller, which in a bubble is virtual; os::no_deadline
// when it is too far to count.
[[nodiscard]] std::int64_t since_zero(const timespec& time) noexcept;
[[nodiscard]] std::int64_t deadline_after(const timespec& span) noexcept;
[[nodiscard]] timespec span_until(std::int64_t deadline_ns) noexcept;  // what is left until then; nothing when it has come
[[nodiscard]] bool is_time(const timespec& span) noexcept;  // as the kernel accepts it

// K1. That of a descriptor which is no socket is: never.
[[nodiscard]] bool is_nonblocking(int fd) noexcept;
[[nodiscard]] std::int64_t socket_deadline(int fd, direction d) noexcept;

enum class verdict {
  done,         // the attempt's own result, errno included
  failed,       // -1, errno is set
  thread_must,  // it cannot be watched, or this is a forked child: the thread has to block
};

struct blocked {
  verdict how;
  ssize_t count;
};

// REQUIRES: an attempt has just failed with EAGAIN, and the descriptor blocks. Parks until `attempt()` gives anything else
// than -1 with EAGAIN. EAGAIN after all: the deadline has come. EBADF: closed meanwhile.
template <class Attempt>
blocked block_until(int fd, direction d, std::int64_t deadline_ns, Attempt&& attempt);

blocked finish(const poll::attempt& result) noexcept;

template <class Attempt>
blocked block_until(int fd, direction d, std::int64_t deadline_ns, Attempt&& attempt) {
  if (!has_scheduler()) return {verdict::thread_must, -1};
  poll::foreign::use descriptor(fd);
  if (descriptor.renew() != 0) return {verdict::thread_must, -1};
  return finish(descriptor->perform(d, {.until_ns = deadline_ns}, [&](int) {
    if (!descriptor.is_current()) return poll::attempt{-1, ECANCELED};
    const ssize_t count = attempt();
    if (count >= 0) return poll::attempt{count, 0};
    const int error = get_errno();
    return poll::attempt{-1, error == EAGAIN ? EAGAIN : -error};  // negative: its own, not one of perform()
  }));
}

}  // namespace weft::hook
