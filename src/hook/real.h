// The functions of libc that the hook stands in front of.
//
// Found by dlsym(RTLD_NEXT): the next library's, which is libc's or that of another interposer in between (a sanitizer, a
// preloaded library). So plain threads get all that libc does, cancellation points and versions of symbols included.
// Refused: system calls of our own (they are no cancellation points, and pass by every other interposer); libc's internal
// names (__libc_recv and the like are private to it, or gone).
#pragma once

#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/atomic.h"

namespace weft::hook {

void* find_real(const char* name) noexcept;  // dies with a message if there is none

template <class F>
class real_function;
template <class R, class... Args>
class real_function<R(Args...)> {
 public:
  constexpr explicit real_function(const char* name) noexcept : name_(name) {}
  R operator()(Args... args) { return get()(args...); }

 private:
  using pointer = R (*)(Args...);
  pointer get() noexcept {
    pointer found = found_.load(base::acquire);
    if (!found) [[unlikely]] {
      found = reinterpret_cast<pointer>(find_real(name_));  // several may look at the same time, and find the same
      found_.store(found, base::release);
    }
    return found;
  }
  const char* const name_;
  base::atomic<pointer> found_{nullptr};
};

// Ready before any constructor runs: others' constructors may call what we stand in front of.
namespace real {
#define WEFT_REAL(name, ...) inline constinit real_function<__VA_ARGS__> name{#name}
WEFT_REAL(read, ssize_t(int, void*, size_t));
WEFT_REAL(write, ssize_t(int, const void*, size_t));
WEFT_REAL(readv, ssize_t(int, const iovec*, int));
WEFT_REAL(writev, ssize_t(int, const iovec*, int));
WEFT_REAL(recv, ssize_t(int, void*, size_t, int));
WEFT_REAL(recvfrom, ssize_t(int, void*, size_t, int, sockaddr*, socklen_t*));
WEFT_REAL(recvmsg, ssize_t(int, msghdr*, int));
WEFT_REAL(recvmmsg, int(int, mmsghdr*, unsigned, int, timespec*));
WEFT_REAL(send, ssize_t(int, const void*, size_t, int));
WEFT_REAL(sendto, ssize_t(int, const void*, size_t, int, const sockaddr*, socklen_t));
WEFT_REAL(sendmsg, ssize_t(int, const msghdr*, int));
WEFT_REAL(sendmmsg, int(int, mmsghdr*, unsigned, int));
WEFT_REAL(connect, int(int, const sockaddr*, socklen_t));
WEFT_REAL(accept, int(int, sockaddr*, socklen_t*));
WEFT_REAL(accept4, int(int, sockaddr*, socklen_t*, int));
WEFT_REAL(poll, int(pollfd*, nfds_t, int));
WEFT_REAL(ppoll, int(pollfd*, nfds_t, const timespec*, const sigset_t*));
WEFT_REAL(select, int(int, fd_set*, fd_set*, fd_set*, timeval*));
WEFT_REAL(pselect, int(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*));
WEFT_REAL(epoll_wait, int(int, epoll_event*, int, int));
WEFT_REAL(epoll_pwait, int(int, epoll_event*, int, int, const sigset_t*));
WEFT_REAL(epoll_pwait2, int(int, epoll_event*, int, const timespec*, const sigset_t*));
WEFT_REAL(nanosleep, int(const timespec*, timespec*));
WEFT_REAL(clock_nanosleep, int(clockid_t, int, const timespec*, timespec*));
WEFT_REAL(usleep, int(useconds_t));
WEFT_REAL(sleep, unsigned(unsigned));
WEFT_REAL(getaddrinfo, int(const char*, const char*, const addrinfo*, addrinfo**));
WEFT_REAL(close, int(int));
WEFT_REAL(dup2, int(int, int));
WEFT_REAL(dup3, int(int, int, int));
WEFT_REAL(close_range, int(unsigned, unsigned, int));
WEFT_REAL(closefrom, void(int));
#undef WEFT_REAL
}  // namespace real

}  // namespace weft::hook
