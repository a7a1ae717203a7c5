// TCP.
#pragma once

#include <chrono>

#include <weft/detail/keep_frame.h>
#include <weft/net/stream.h>

namespace weft::net {

struct keep_alive_options {
  std::chrono::seconds idle{15};      // silence before the first probe
  std::chrono::seconds interval{15};  // between probes
  int probes = 9;                     // unanswered ones before the connection counts as lost
};

// Small writes go out at once (TCP_NODELAY) and a silent peer is probed, unless told otherwise.
class tcp_conn : public stream {
 public:
  tcp_conn() noexcept = default;

  result<void> no_delay(bool on);
  result<void> keep_alive(bool on);
  result<void> keep_alive(const keep_alive_options& options);
  result<void> linger(std::chrono::seconds patience);  // 0: close() drops what is unsent and resets the connection

  // Takes over a connected socket that was made elsewhere, and makes it non-blocking. On an error it stays the caller's.
  static result<tcp_conn> adopt(int fd);

 private:
  friend class tcp_listener;
  friend struct tcp_dialer;
  using stream::stream;
};

struct listen_options {
  int backlog = 0;          // connections not yet accepted; 0: as many as the system allows
  bool reuse_port = false;  // several listeners, perhaps of several processes, share the port; the kernel spreads connections
};

class tcp_listener : public socket {
 public:
  tcp_listener() noexcept = default;

  // Any number of goroutines may accept from one listener. When the process or the system is out of descriptors the
  // connection waits in the backlog, and accept tries again until there is one, with pauses of up to 50 ms.
  result<tcp_conn> accept() { return accept_with(nullptr); }
  result<tcp_conn> accept(const context& ctx) { return accept_with(&ctx); }

  [[nodiscard]] const address& local() const noexcept { return local_; }

  static result<tcp_listener> adopt(int fd);  // a listening socket, as from systemd

 private:
  friend result<tcp_listener> listen_tcp(std::string_view, listen_options);
  tcp_listener(detail::handle adopted, address where, bool is_exact)
      : socket(std::move(adopted)), local_(std::move(where)), is_exact_(is_exact) {}
  result<tcp_conn> accept_with(const context* ctx) {
    auto result = accept_core(ctx);
    weft::detail::keep_frame();
    return result;
  }
  result<tcp_conn> accept_core(const context* ctx);

  address local_;
  bool is_exact_ = false;  // of its connections: stream.h
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (every interface, IPv4 and IPv6), ":0" (any port: see local()),
// ":http". A name is resolved, and its first address counts.
result<tcp_listener> listen_tcp(std::string_view host_port, listen_options options = {});

struct dial_options {
  clock::duration timeout = clock::duration::zero();     // for everything: names, all attempts; 0: none but the system's
  clock::duration stagger = std::chrono::milliseconds(250);  // before the next address is tried beside those under way
  address local = {};                                        // where to dial from; of no kind: the system chooses
};

// Resolves, then races the addresses as RFC 8305 has it: IPv6 and IPv4 in turns, the next one as soon as one fails or
// `stagger` has passed; the first connection wins, the others are given up. The error is that of the first attempt.
result<tcp_conn> dial_tcp(std::string_view host_port, dial_options options = {});
result<tcp_conn> dial_tcp(const context& ctx, std::string_view host_port, dial_options options = {});

}  // namespace weft::net
