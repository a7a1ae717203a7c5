#include "net/sockaddr.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace weft::net {

static_assert(sizeof(sockaddr_un) <= sizeof(sockaddr_storage) && sizeof(sockaddr_in6) <= sizeof(sockaddr_storage));

std::optional<os::socket_address> to_kernel(const address& a) noexcept {
  os::socket_address made;
  switch (a.family()) {
    case address::kind::none: return std::nullopt;
    case address::kind::ipv4: {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(a.port());
      std::memcpy(&in.sin_addr, a.bytes().data(), sizeof in.sin_addr);
      std::memcpy(&made.storage, &in, sizeof in);
      made.size = sizeof in;
      return made;
    }
    case address::kind::ipv6: {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(a.port());
      in.sin6_scope_id = a.scope();
      std::memcpy(&in.sin6_addr, a.bytes().data(), sizeof in.sin6_addr);
      std::memcpy(&made.storage, &in, sizeof in);
      made.size = sizeof in;
      return made;
    }
    case address::kind::unix_path: break;
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const std::string& path = a.path();
  if (path.size() >= sizeof un.sun_path) return std::nullopt;
  std::memcpy(un.sun_path, path.data(), path.size());
  const bool is_abstract = path.starts_with('@');
  if (is_abstract) un.sun_path[0] = '\0';
  std::memcpy(&made.storage, &un, sizeof un);
  // An abstract name is as long as it is; a path ends with a zero.
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract || path.empty() ? 0 : 1));
  return made;
}

address from_kernel(const os::socket_address& a) {
  if (a.size < sizeof(sa_family_t)) return {};
  switch (a.storage.ss_family) {
    case AF_INET: {
      sockaddr_in in;
      std::memcpy(&in, &a.storage, sizeof in);
      std::array<std::uint8_t, 4> ip;
      std::memcpy(ip.data(), &in.sin_addr, ip.size());
      return address::ipv4(ip, ntohs(in.sin_port));
    }
    case AF_INET6: {
      sockaddr_in6 in;
      std::memcpy(&in, &a.storage, sizeof in);
      std::array<std::uint8_t, 16> ip;
      std::memcpy(ip.data(), &in.sin6_addr, ip.size());
      static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
      if (std::memcmp(ip.data(), mapped, sizeof mapped) == 0)  // an IPv4 peer of a socket that takes both
        return address::ipv4({ip[12], ip[13], ip[14], ip[15]}, ntohs(in.sin6_port));
      return address::ipv6(ip, ntohs(in.sin6_port), in.sin6_scope_id);
    }
    case AF_UNIX: {
      sockaddr_un un;
      std::memcpy(&un, &a.storage, sizeof un);
      const std::size_t size = a.size - offsetof(sockaddr_un, sun_path);
      if (a.size <= offsetof(sockaddr_un, sun_path)) return address::unix_path("");
      if (un.sun_path[0] == '\0') return address::unix_path('@' + std::string(un.sun_path + 1, size - 1));
      return address::unix_path(std::string(un.sun_path, ::strnlen(un.sun_path, size)));
    }
    default: return {};
  }
}

address mapped(const address& ipv4) {
  const auto& ip = ipv4.bytes();
  return address::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, ip[0], ip[1], ip[2], ip[3]}, ipv4.port());
}

int family_of(const address& a) noexcept {
  return a.is_ipv4() ? AF_INET : a.is_ipv6() ? AF_INET6 : a.is_unix() ? AF_UNIX : AF_UNSPEC;
}

}  // namespace weft::net
