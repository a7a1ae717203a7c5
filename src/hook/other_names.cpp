// The same functions under the other names that libc exports: those that compilers choose when buffers are checked
// (_FORTIFY_SOURCE, as Debian builds all its packages), and the old ones with underscores.
#include <unistd.h>

#include "hook/real.h"

extern "C" {

[[noreturn]] void __chk_fail(void);  // libc's

ssize_t __read_chk(int fd, void* into, size_t size, size_t room) {
  if (size > room) __chk_fail();
  return ::read(fd, into, size);
}

ssize_t __recv_chk(int fd, void* into, size_t size, size_t room, int flags) {
  if (size > room) __chk_fail();
  return ::recv(fd, into, size, flags);
}

ssize_t __recvfrom_chk(int fd, void* into, size_t size, size_t room, int flags, sockaddr* from, socklen_t* from_size) {
  if (size > room) __chk_fail();
  return ::recvfrom(fd, into, size, flags, from, from_size);
}

int __poll_chk(pollfd* fds, nfds_t count, int timeout_ms, size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return ::poll(fds, count, timeout_ms);
}

int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* time, const sigset_t* mask, size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return ::ppoll(fds, count, time, mask);
}

ssize_t __read(int fd, void* into, size_t size) { return ::read(fd, into, size); }
ssize_t __write(int fd, const void* from, size_t size) { return ::write(fd, from, size); }
ssize_t __send(int fd, const void* from, size_t size, int flags) { return ::send(fd, from, size, flags); }
int __connect(int fd, const sockaddr* to, socklen_t size) { return ::connect(fd, to, size); }
int __poll(pollfd* fds, nfds_t count, int timeout_ms) { return ::poll(fds, count, timeout_ms); }
int __select(int count, fd_set* read, fd_set* write, fd_set* except, timeval* time) {
  return ::select(count, read, write, except, time);
}
int __nanosleep(const timespec* span, timespec* left) { return ::nanosleep(span, left); }
int __close(int fd) { return ::close(fd); }
int __dup2(int source, int target) { return ::dup2(source, target); }

}  // extern "C"
