#include <weft/net/tcp.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/accept.h"
#include "net/failure.h"
#include "net/names.h"
#include "net/open_socket.h"
#include "net/sockaddr.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

result<void> tcp_conn::no_delay(bool on) { return set_option(IPPROTO_TCP, TCP_NODELAY, on); }
result<void> tcp_conn::keep_alive(bool on) { return set_option(SOL_SOCKET, SO_KEEPALIVE, on); }

result<void> tcp_conn::keep_alive(const keep_alive_options& options) {
  if (auto set = set_option(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.idle.count())); !set) return set;
  if (auto set = set_option(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(options.interval.count())); !set) return set;
  if (auto set = set_option(IPPROTO_TCP, TCP_KEEPCNT, options.probes); !set) return set;
  return keep_alive(true);
}

result<void> tcp_conn::linger(std::chrono::seconds patience) {
  const ::linger value{.l_onoff = 1, .l_linger = static_cast<int>(patience.count())};
  int failed = -ECANCELED;
  if (poll::descriptor* d = descriptor())
    d->with_fd([&](int fd) { failed = os::set_option(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value); });
  if (failed) return failure(-failed, "linger", remote());
  return {};
}

namespace {

bool is_internet(const os::socket_address& a) noexcept {
  return a.storage.ss_family == AF_INET || a.storage.ss_family == AF_INET6;
}

}  // namespace

result<tcp_conn> tcp_conn::adopt(int fd) {
  os::socket_address peer;
  if (const int failed = os::remote_address(fd, peer)) return failure(-failed, "adopt", descriptor_name(fd));
  if (!is_internet(peer)) return failure(EINVAL, "adopt", descriptor_name(fd) + " (not a socket of this kind)");
  auto adopted = adopt_socket(fd, SOCK_STREAM, "adopt");
  if (!adopted) return fail(adopted);
  return tcp_conn(std::move(*adopted), from_kernel(peer), os::is_plain_tcp(fd));
}

result<tcp_conn> tcp_listener::accept_core(const context* ctx) {
  auto made = accept_from(descriptor(), ctx, local_);
  if (!made) return fail(made);
  return tcp_conn(std::move(made->connection), from_kernel(made->peer), is_exact_);
}

result<tcp_listener> tcp_listener::adopt(int fd) {
  if (os::get_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1) return failure(EINVAL, "adopt", descriptor_name(fd) + " (not a listener)");
  os::socket_address where;
  const bool has_name = os::local_address(fd, where) == 0;
  if (!has_name || !is_internet(where)) return failure(EINVAL, "adopt", descriptor_name(fd) + " (not a socket of this kind)");
  auto adopted = adopt_socket(fd, SOCK_STREAM, "adopt");
  if (!adopted) return fail(adopted);
  return tcp_listener(std::move(*adopted), from_kernel(where), os::is_plain_tcp(fd));
}

void set_tcp_defaults(int fd) noexcept {
  const keep_alive_options probing;
  // None of these can fail on a TCP socket, and the connection is good without.
  static_cast<void>(os::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1));
  static_cast<void>(os::set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
  static_cast<void>(os::set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(probing.idle.count())));
  static_cast<void>(os::set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(probing.interval.count())));
}

result<tcp_listener> listen_tcp(std::string_view text, listen_options options) {
  const auto target = split(text, "listen");
  if (!target) return fail(target);
  const auto found = addresses_of(background(), *target, "listen", text);
  if (!found) return fail(found);
  const address where = found->empty() ? any_interface(target->port) : found->front();
  auto fresh = fresh_socket::make(where, SOCK_STREAM, "listen");
  if (!fresh) return fail(fresh);
  const int fd = fresh->fd();
  int failed = os::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!failed && options.reuse_port) failed = os::set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!failed && where.is_ipv6()) failed = os::set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !where.is_unspecified());
  if (!failed) set_tcp_defaults(fd);  // connections inherit them from their listener: no system call for each
  if (!failed) failed = os::bind_socket(fd, *to_kernel(where));
  if (!failed) failed = os::listen_socket(fd, options.backlog);
  if (failed) return failure(-failed, "listen", where);
  os::socket_address bound;
  static_cast<void>(os::local_address(fd, bound));
  auto handle = fresh->give_to_poller("listen", where);
  if (!handle) return fail(handle);
  return tcp_listener(std::move(*handle), from_kernel(bound), true);
}

}  // namespace weft::net
