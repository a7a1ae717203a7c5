// A socket before the poller knows it.
#pragma once

#include <string>
#include <utility>

#include <weft/net/address.h>
#include <weft/net/socket.h>

namespace weft::net {

// Closes the descriptor unless it was handed on.
class fresh_socket {
 public:
  static result<fresh_socket> make(const address& of_the_family_of, int type, const char* op);
  explicit fresh_socket(int fd) noexcept : fd_(fd) {}
  fresh_socket(fresh_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  fresh_socket& operator=(fresh_socket&&) = delete;
  ~fresh_socket();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  result<detail::handle> give_to_poller(const char* op, const address& about);

 private:
  int fd_;
};

std::string descriptor_name(int fd);  // for messages: it has no address yet

// A descriptor from elsewhere, if it is a socket of that type. On an error it stays the caller's.
result<detail::handle> adopt_socket(int fd, int type, const char* op);

void set_tcp_defaults(int fd) noexcept;

}  // namespace weft::net
