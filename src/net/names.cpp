#include "net/names.h"

#include <netinet/in.h>

#include <charconv>

#include <weft/net/resolve.h>

#include "net/failure.h"
#include "os/descriptor.h"
#include "os/names.h"
#include "os/socket.h"

namespace weft::net {
namespace {

bool has_ipv6() noexcept {
  static const bool answer = [] {
    const int fd = os::make_socket(AF_INET6, SOCK_STREAM);
    if (fd < 0) return fd == -EMFILE || fd == -ENFILE;  // not what was asked
    os::socket_address any;
    sockaddr_in6& in = reinterpret_cast<sockaddr_in6&>(any.storage);
    in.sin6_family = AF_INET6;
    any.size = sizeof in;
    const bool can_bind = os::bind_socket(fd, any) == 0;
    os::close_descriptor(fd);
    return can_bind;
  }();
  return answer;
}

}  // namespace

address any_interface(std::uint16_t port) {
  return has_ipv6() ? address::ipv6({}, port) : address::ipv4({}, port);
}
address loopback(std::uint16_t port) { return address::ipv4({127, 0, 0, 1}, port); }

result<host_port> split(std::string_view text, const char* op) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return failure(EINVAL, op, std::string(text) + " (no port)");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos) return failure(EINVAL, op, std::string(text) + " (IPv6 wants brackets)");
  host_port found{std::string(host), 0};
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), found.port);
  if (failed == std::errc{} && end == port.data() + port.size() && !port.empty()) return found;
  const auto service = os::port_of_service(std::string(port));
  if (!service) return failure(EINVAL, op, std::string(text) + " (no such port)");
  found.port = *service;
  return found;
}

result<std::vector<address>> addresses_of(const context& ctx, const host_port& target, const char* op, std::string_view text) {
  if (target.host.empty()) return std::vector<address>{};
  auto found = resolve(ctx, target.host);
  if (!found) return fail(error(found.error().code(), op, std::string(text)));
  for (address& each : *found) each = each.with_port(target.port);
  return found;
}

}  // namespace weft::net
