#include "os/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/keep_errno.h"

namespace weft::os {
namespace {

// The result of a system call, repeated while signals interrupt it; a failure as a negative errno value.
template <class Call>
auto repeat(Call call) noexcept {
  keep_errno kept;
  decltype(call()) result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result < 0 ? static_cast<decltype(result)>(-errno) : result;
}

}  // namespace

int make_socket(int family, int type) noexcept {
  return repeat([&] { return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
}
int make_socket_pair(int type, int (&fds)[2]) noexcept {
  return repeat([&] { return ::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds); });
}
int bind_socket(int fd, const socket_address& to) noexcept {
  return repeat([&] { return ::bind(fd, to.get(), to.size); });
}
int listen_socket(int fd, int backlog) noexcept {
  return repeat([&] { return ::listen(fd, backlog > 0 ? backlog : 1 << 20); });  // the kernel cuts it to somaxconn
}
// Not repeated: an interrupted connect goes on by itself.
int connect_socket(int fd, const socket_address& to) noexcept {
  keep_errno kept;
  if (::connect(fd, to.get(), to.size) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno;
}
int connect_outcome(int fd) noexcept {
  const std::optional<int> failed = get_option(fd, SOL_SOCKET, SO_ERROR);
  if (!failed) return -EBADF;
  if (*failed != 0) return -*failed;
  socket_address peer;
  const int result = remote_address(fd, peer);
  return result == -ENOTCONN ? -EINPROGRESS : result;
}
int accept_socket(int fd, socket_address& from) noexcept {
  return repeat([&] {
    from.size = sizeof from.storage;
    return ::accept4(fd, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
}
int shutdown_socket(int fd, int how) noexcept {
  return repeat([&] { return ::shutdown(fd, how); });
}

// The two calls that every message pays for go to the kernel directly: the C library's are points of pthread cancellation,
// and cost two locked instructions for it in a program with threads. Nobody cancels a worker.
ssize_t receive(int fd, void* into, std::size_t size) noexcept {
  return repeat([&] { return ::syscall(SYS_recvfrom, fd, into, size, MSG_DONTWAIT, nullptr, nullptr); });
}
ssize_t send(int fd, const void* from, std::size_t size) noexcept {
  return repeat([&] { return ::syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT, nullptr, 0); });
}
ssize_t send_vector(int fd, const iovec* pieces, std::size_t count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  return repeat([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
}
ssize_t receive_from(int fd, void* into, std::size_t size, socket_address& from, bool& is_truncated) noexcept {
  iovec piece{into, size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_name = from.get();
  const ssize_t result = repeat([&] {
    message.msg_namelen = sizeof from.storage;
    return ::recvmsg(fd, &message, MSG_DONTWAIT);
  });
  from.size = message.msg_namelen;
  is_truncated = (message.msg_flags & MSG_TRUNC) != 0;
  return result;
}
ssize_t send_to(int fd, const void* from, std::size_t size, const socket_address& to) noexcept {
  return repeat([&] { return ::sendto(fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT, to.get(), to.size); });
}

int local_address(int fd, socket_address& into) noexcept {
  into.size = sizeof into.storage;
  return repeat([&] { return ::getsockname(fd, into.get(), &into.size); });
}
int remote_address(int fd, socket_address& into) noexcept {
  into.size = sizeof into.storage;
  return repeat([&] { return ::getpeername(fd, into.get(), &into.size); });
}

int set_option(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  return repeat([&] { return ::setsockopt(fd, level, name, value, size); });
}
std::optional<int> get_option(int fd, int level, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  if (repeat([&] { return ::getsockopt(fd, level, name, &value, &size); }) < 0) return std::nullopt;
  return value;
}

bool is_plain_tcp(int fd) noexcept {
  if (get_option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM || get_option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP) return false;
  char layer[16] = {};
  socklen_t size = sizeof layer;
  return repeat([&] { return ::getsockopt(fd, IPPROTO_TCP, TCP_ULP, layer, &size); }) < 0 || size == 0 || layer[0] == '\0';
}

}  // namespace weft::os
