// The socket system calls, as the layers above want them: non-blocking, never a SIGPIPE, never an EINTR.
//
// What can fail returns a negative errno value, and otherwise a descriptor, a count, or 0. errno itself stays as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace weft::os {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

[[nodiscard]] int make_socket(int family, int type) noexcept;  // non-blocking, closed on exec
[[nodiscard]] int make_socket_pair(int type, int (&fds)[2]) noexcept;
[[nodiscard]] int bind_socket(int fd, const socket_address& to) noexcept;
[[nodiscard]] int listen_socket(int fd, int backlog) noexcept;  // 0: as many as the system allows
[[nodiscard]] int connect_socket(int fd, const socket_address& to) noexcept;
[[nodiscard]] int connect_outcome(int fd) noexcept;             // -EINPROGRESS: not yet known
[[nodiscard]] int accept_socket(int fd, socket_address& from) noexcept;
[[nodiscard]] int shutdown_socket(int fd, int how) noexcept;

[[nodiscard]] ssize_t receive(int fd, void* into, std::size_t size) noexcept;
[[nodiscard]] ssize_t send(int fd, const void* from, std::size_t size) noexcept;
[[nodiscard]] ssize_t send_vector(int fd, const iovec* pieces, std::size_t count) noexcept;
// A datagram larger than `size` is cut off: is_truncated.
[[nodiscard]] ssize_t receive_from(int fd, void* into, std::size_t size, socket_address& from, bool& is_truncated) noexcept;
[[nodiscard]] ssize_t send_to(int fd, const void* from, std::size_t size, const socket_address& to) noexcept;

[[nodiscard]] int local_address(int fd, socket_address& into) noexcept;
[[nodiscard]] int remote_address(int fd, socket_address& into) noexcept;

[[nodiscard]] int set_option(int fd, int level, int name, const void* value, socklen_t size) noexcept;
[[nodiscard]] inline int set_option(int fd, int level, int name, int value) noexcept {
  return set_option(fd, level, name, &value, sizeof value);
}
[[nodiscard]] std::optional<int> get_option(int fd, int level, int name) noexcept;

// A TCP socket whose bytes arrive as they were sent, not decoded in the kernel on the way (TLS).
[[nodiscard]] bool is_plain_tcp(int fd) noexcept;

}  // namespace weft::os
