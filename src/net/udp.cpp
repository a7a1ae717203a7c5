#include <weft/net/udp.h>

#include <netinet/in.h>

#include <cstring>

#include "net/failure.h"
#include "net/names.h"
#include "net/open_socket.h"
#include "net/sockaddr.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

using poll::attempt;
using poll::direction;

result<datagram> datagram_socket::read_from_core(const context* ctx, std::span<std::byte> into) {
  poll::descriptor* const d = descriptor();
  if (!d) return failure(EBADF, "read", remote_);
  datagram got;
  os::socket_address from;
  const attempt done = d->perform(direction::read, {.ctx = ctx}, [&](int fd) {
    return poll::attempt_of(os::receive_from(fd, into.data(), into.size(), from, got.is_truncated));
  });
  if (done.error) return failure(done.error, "read", remote_.family() != address::kind::none ? remote_ : local());
  got.size = static_cast<std::size_t>(done.count);
  got.from = from.size != 0 ? from_kernel(from) : remote_;
  return got;
}

result<std::size_t> datagram_socket::read(std::span<std::byte> into) {
  const auto got = read_from_with(nullptr, into);
  if (!got) return fail(got);
  return got->size;
}

result<std::size_t> datagram_socket::write_to_core(const context* ctx, std::span<const std::byte> from, const address& to) {
  poll::descriptor* const d = descriptor();
  if (!d) return failure(EBADF, "write", to);
  os::socket_address target;
  const bool has_target = to.family() != address::kind::none;
  if (has_target) {
    // A socket for both kinds knows IPv4 addresses by their IPv6 form.
    const auto known = to_kernel(family_ == AF_INET6 && to.is_ipv4() ? mapped(to) : to);
    if (!known) return failure(EINVAL, "write", to);
    target = *known;
  }
  const attempt done = d->perform(direction::write, {.ctx = ctx}, [&](int fd) {
    return poll::attempt_of(has_target ? os::send_to(fd, from.data(), from.size(), target)
                                       : os::send(fd, from.data(), from.size()));
  });
  if (done.error) return failure(done.error, "write", has_target ? to : remote_);
  return from.size();
}

result<void> udp_socket::broadcast(bool on) { return set_option(SOL_SOCKET, SO_BROADCAST, on); }

namespace {

result<void> change_group(poll::descriptor* d, const address& group, int ipv4_option, int ipv6_option, const char* op) {
  int failed = -ECANCELED;
  if (!group.is_multicast()) return failure(EINVAL, op, group);
  if (d && group.is_ipv4()) {
    ip_mreqn wanted{};
    std::memcpy(&wanted.imr_multiaddr, group.bytes().data(), sizeof wanted.imr_multiaddr);
    d->with_fd([&](int fd) { failed = os::set_option(fd, IPPROTO_IP, ipv4_option, &wanted, sizeof wanted); });
  } else if (d) {
    ipv6_mreq wanted{};
    std::memcpy(&wanted.ipv6mr_multiaddr, group.bytes().data(), sizeof wanted.ipv6mr_multiaddr);
    wanted.ipv6mr_interface = group.scope();
    d->with_fd([&](int fd) { failed = os::set_option(fd, IPPROTO_IPV6, ipv6_option, &wanted, sizeof wanted); });
  }
  if (failed) return failure(-failed, op, group);
  return {};
}

}  // namespace

result<void> udp_socket::join_group(const address& group) {
  return change_group(descriptor(), group, IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP, "join_group");
}
result<void> udp_socket::leave_group(const address& group) {
  return change_group(descriptor(), group, IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP, "leave_group");
}

result<udp_socket> udp_socket::adopt(int fd) {
  os::socket_address name, peer;
  static_cast<void>(os::local_address(fd, name));
  const bool has_peer = os::remote_address(fd, peer) == 0;
  auto adopted = adopt_socket(fd, SOCK_DGRAM, "adopt");
  if (!adopted) return fail(adopted);
  return udp_socket(std::move(*adopted), has_peer ? from_kernel(peer) : address(), name.storage.ss_family);
}

result<udp_socket> listen_udp(std::string_view text, udp_options options) {
  const auto target = split(text, "listen");
  if (!target) return fail(target);
  const auto found = addresses_of(background(), *target, "listen", text);
  if (!found) return fail(found);
  const address where = found->empty() ? any_interface(target->port) : found->front();
  auto fresh = fresh_socket::make(where, SOCK_DGRAM, "listen");
  if (!fresh) return fail(fresh);
  int failed = options.reuse_port ? os::set_option(fresh->fd(), SOL_SOCKET, SO_REUSEPORT, 1) : 0;
  if (!failed && where.is_ipv6()) failed = os::set_option(fresh->fd(), IPPROTO_IPV6, IPV6_V6ONLY, !where.is_unspecified());
  if (!failed) failed = os::bind_socket(fresh->fd(), *to_kernel(where));
  if (failed) return failure(-failed, "listen", where);
  auto handle = fresh->give_to_poller("listen", where);
  if (!handle) return fail(handle);
  return udp_socket(std::move(*handle), {}, family_of(where));
}

result<udp_socket> dial_udp(const context& ctx, std::string_view text) {
  const auto target = split(text, "dial");
  if (!target) return fail(target);
  const auto found = addresses_of(ctx, *target, "dial", text);
  if (!found) return fail(found);
  const address to = found->empty() ? loopback(target->port) : found->front();
  auto fresh = fresh_socket::make(to, SOCK_DGRAM, "dial");
  if (!fresh) return fail(fresh);
  if (const int failed = os::connect_socket(fresh->fd(), *to_kernel(to))) return failure(-failed, "dial", to);
  auto handle = fresh->give_to_poller("dial", to);
  if (!handle) return fail(handle);
  return udp_socket(std::move(*handle), to, family_of(to));
}
result<udp_socket> dial_udp(std::string_view host_port) { return dial_udp(background(), host_port); }

}  // namespace weft::net
