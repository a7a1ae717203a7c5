// UDP.
#pragma once

#include <weft/detail/keep_frame.h>
#include <weft/net/socket.h>

namespace weft::net {

struct datagram {
  std::size_t size = 0;  // bytes that were stored
  address from;
  bool is_truncated = false;  // it was larger than the span; the rest is lost
};

// Datagrams in and out. Each call moves one. Several goroutines may use one socket.
class datagram_socket : public socket {
 public:
  result<datagram> read_from(std::span<std::byte> into) { return read_from_with(nullptr, into); }
  result<datagram> read_from(std::span<char> into) { return read_from_with(nullptr, std::as_writable_bytes(into)); }
  result<datagram> read_from(const context& ctx, std::span<std::byte> into) { return read_from_with(&ctx, into); }
  result<datagram> read_from(const context& ctx, std::span<char> into) {
    return read_from_with(&ctx, std::as_writable_bytes(into));
  }
  result<std::size_t> write_to(std::span<const std::byte> from, const address& to) { return write_to_with(nullptr, from, to); }
  result<std::size_t> write_to(std::string_view text, const address& to) {
    return write_to_with(nullptr, std::as_bytes(std::span(text)), to);
  }
  result<std::size_t> write_to(const context& ctx, std::span<const std::byte> from, const address& to) {
    return write_to_with(&ctx, from, to);
  }
  result<std::size_t> write_to(const context& ctx, std::string_view text, const address& to) {
    return write_to_with(&ctx, std::as_bytes(std::span(text)), to);
  }

  // For sockets with a peer (dial_udp, dial_unix_datagram): only its datagrams come in. A datagram of no bytes reads as 0.
  result<std::size_t> read(std::span<std::byte> into);
  result<std::size_t> read(std::span<char> into) { return read(std::as_writable_bytes(into)); }
  result<std::size_t> write(std::span<const std::byte> from) { return write_to_with(nullptr, from, {}); }
  result<std::size_t> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  [[nodiscard]] const address& remote() const noexcept { return remote_; }  // of no kind: no peer

 protected:
  datagram_socket() noexcept = default;
  datagram_socket(detail::handle adopted, address peer, int family)
      : socket(std::move(adopted)), remote_(std::move(peer)), family_(family) {}

 private:
  result<datagram> read_from_with(const context* ctx, std::span<std::byte> into) {
    auto result = read_from_core(ctx, into);
    weft::detail::keep_frame();
    return result;
  }
  result<datagram> read_from_core(const context* ctx, std::span<std::byte> into);
  result<std::size_t> write_to_with(const context* ctx, std::span<const std::byte> from, const address& to) {
    auto result = write_to_core(ctx, from, to);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> write_to_core(const context* ctx, std::span<const std::byte> from, const address& to);

  address remote_;
  int family_ = 0;  // the kernel's
};

class udp_socket : public datagram_socket {
 public:
  udp_socket() noexcept = default;
  result<void> broadcast(bool on);
  result<void> join_group(const address& group);   // multicast, on the interface the system chooses
  result<void> leave_group(const address& group);
  static result<udp_socket> adopt(int fd);

 private:
  friend result<udp_socket> listen_udp(std::string_view, struct udp_options);
  friend result<udp_socket> dial_udp(const context&, std::string_view);
  using datagram_socket::datagram_socket;
};

struct udp_options {
  bool reuse_port = false;
};

result<udp_socket> listen_udp(std::string_view host_port, udp_options options = {});  // ":0": any port
// Nothing is sent: only the peer is fixed.
result<udp_socket> dial_udp(std::string_view host_port);
result<udp_socket> dial_udp(const context& ctx, std::string_view host_port);

}  // namespace weft::net
