#include <weft/net/unix.h>

#include "net/accept.h"
#include "net/connect.h"
#include "net/failure.h"
#include "net/open_socket.h"
#include "net/sockaddr.h"
#include "os/descriptor.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

void detail::made_file::remove() noexcept {
  if (!path_.empty()) os::remove_file(std::exchange(path_, {}).c_str());
}

namespace {

address path_of(std::string_view path) { return address::unix_path(std::string(path)); }

detail::made_file file_of(const address& where) {
  const bool has_file = !where.path().empty() && !where.path().starts_with('@');
  return has_file ? detail::made_file(where.path()) : detail::made_file();
}

}  // namespace

result<unix_conn> unix_conn::adopt(int fd) {
  os::socket_address peer;
  if (const int failed = os::remote_address(fd, peer)) return failure(-failed, "adopt", descriptor_name(fd));
  auto adopted = adopt_socket(fd, SOCK_STREAM, "adopt");
  if (!adopted) return fail(adopted);
  return unix_conn(std::move(*adopted), from_kernel(peer), false);
}

result<unix_conn> unix_listener::accept_core(const context* ctx) {
  auto made = accept_from(descriptor(), ctx, local_);
  if (!made) return fail(made);
  return unix_conn(std::move(made->connection), from_kernel(made->peer), false);
}

void unix_listener::close() {
  file_.remove();  // first: whoever finds the file finds a listener
  socket::close();
}

result<unix_listener> unix_listener::adopt(int fd) {
  if (os::get_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1) return failure(EINVAL, "adopt", descriptor_name(fd) + " (not a listener)");
  os::socket_address where;
  static_cast<void>(os::local_address(fd, where));
  auto adopted = adopt_socket(fd, SOCK_STREAM, "adopt");
  if (!adopted) return fail(adopted);
  return unix_listener(std::move(*adopted), from_kernel(where), {});
}

result<unix_listener> listen_unix(std::string_view path, unix_options options) {
  const address where = path_of(path);
  auto fresh = fresh_socket::make(where, SOCK_STREAM, "listen");
  if (!fresh) return fail(fresh);
  if (const int failed = os::bind_socket(fresh->fd(), *to_kernel(where))) return failure(-failed, "listen", where);
  detail::made_file made = file_of(where);
  if (const int failed = os::listen_socket(fresh->fd(), options.backlog)) return failure(-failed, "listen", where);
  auto handle = fresh->give_to_poller("listen", where);
  if (!handle) return fail(handle);
  return unix_listener(std::move(*handle), where, std::move(made));
}

result<unix_conn> dial_unix(const context& ctx, std::string_view path) {
  const address to = path_of(path);
  auto fresh = fresh_socket::make(to, SOCK_STREAM, "dial");
  if (!fresh) return fail(fresh);
  auto handle = connect_to(ctx, std::move(*fresh), to);
  if (!handle) return fail(handle);
  return unix_conn(std::move(*handle), to, false);
}
result<unix_conn> dial_unix(std::string_view path) { return dial_unix(background(), path); }

result<std::pair<unix_conn, unix_conn>> unix_pair() {
  int fds[2];
  const address nameless = address::unix_path("");
  if (const int failed = os::make_socket_pair(SOCK_STREAM, fds)) return failure(-failed, "unix_pair", std::string());
  fresh_socket first(fds[0]), second(fds[1]);
  auto a = first.give_to_poller("unix_pair", nameless);
  auto b = second.give_to_poller("unix_pair", nameless);
  if (!a) return fail(a);
  if (!b) return fail(b);
  return std::pair(unix_conn(std::move(*a), nameless, false), unix_conn(std::move(*b), nameless, false));
}

void unix_datagram_socket::close() {
  file_.remove();
  socket::close();
}

result<unix_datagram_socket> listen_unix_datagram(std::string_view path) {
  const address where = path_of(path);
  auto fresh = fresh_socket::make(where, SOCK_DGRAM, "listen");
  if (!fresh) return fail(fresh);
  if (const int failed = os::bind_socket(fresh->fd(), *to_kernel(where))) return failure(-failed, "listen", where);
  detail::made_file made = file_of(where);
  auto handle = fresh->give_to_poller("listen", where);
  if (!handle) return fail(handle);
  return unix_datagram_socket(std::move(*handle), {}, std::move(made));
}

result<unix_datagram_socket> dial_unix_datagram(std::string_view path) {
  const address to = path_of(path);
  auto fresh = fresh_socket::make(to, SOCK_DGRAM, "dial");
  if (!fresh) return fail(fresh);
  if (const int failed = os::connect_socket(fresh->fd(), *to_kernel(to))) return failure(-failed, "dial", to);
  auto handle = fresh->give_to_poller("dial", to);
  if (!handle) return fail(handle);
  return unix_datagram_socket(std::move(*handle), to, {});
}

}  // namespace weft::net
