#include <weft/net/address.h>

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace weft::net {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::unexpected<error> malformed(std::string_view text) {
  return fail(error(std::make_error_code(std::errc::invalid_argument), "parse", '"' + std::string(text) + '"'));
}

std::optional<address> parse_ipv4(const std::string& host, std::uint16_t port) {
  std::array<std::uint8_t, 4> ip;
  if (::inet_pton(AF_INET, host.c_str(), ip.data()) != 1) return std::nullopt;
  return address::ipv4(ip, port);
}

std::optional<address> parse_ipv6(std::string host, std::uint16_t port) {
  std::uint32_t scope = 0;
  if (const auto percent = host.find('%'); percent != host.npos) {
    const std::string zone = host.substr(percent + 1);
    const auto [end, failed] = std::from_chars(zone.data(), zone.data() + zone.size(), scope);
    if (failed != std::errc{} || end != zone.data() + zone.size()) scope = ::if_nametoindex(zone.c_str());
    if (scope == 0) return std::nullopt;
    host.resize(percent);
  }
  std::array<std::uint8_t, 16> ip;
  if (::inet_pton(AF_INET6, host.c_str(), ip.data()) != 1) return std::nullopt;
  return address::ipv6(ip, port, scope);
}

}  // namespace

address address::ipv4(std::array<std::uint8_t, 4> ip, std::uint16_t port) noexcept {
  address a;
  a.kind_ = kind::ipv4;
  a.port_ = port;
  std::copy(ip.begin(), ip.end(), a.ip_.begin());
  return a;
}

address address::ipv6(std::array<std::uint8_t, 16> ip, std::uint16_t port, std::uint32_t scope) noexcept {
  address a;
  a.kind_ = kind::ipv6;
  a.port_ = port;
  a.scope_ = scope;
  a.ip_ = ip;
  return a;
}

address address::unix_path(std::string path) {
  address a;
  a.kind_ = kind::unix_path;
  a.path_ = std::move(path);
  return a;
}

result<address> address::parse(std::string_view text) {
  if (text.starts_with('@') || text.find('/') != text.npos) return unix_path(std::string(text));
  std::string host(text);
  std::uint16_t port = 0;
  bool is_bracketed = false;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == host.npos) return malformed(text);
    const std::string_view rest = std::string_view(host).substr(end + 1);
    if (!rest.empty()) {
      const auto number = rest[0] == ':' ? parse_port(rest.substr(1)) : std::nullopt;
      if (!number) return malformed(text);
      port = *number;
    }
    host = host.substr(1, end - 1);
    is_bracketed = true;
  } else if (const auto colon = host.find(':'); colon != host.npos && host.find(':', colon + 1) == host.npos) {
    const auto number = parse_port(std::string_view(host).substr(colon + 1));
    if (!number) return malformed(text);
    port = *number;
    host.resize(colon);
  }
  if (auto found = is_bracketed ? std::nullopt : parse_ipv4(host, port)) return *found;
  if (auto found = parse_ipv6(host, port)) return *found;
  return malformed(text);
}

bool address::is_loopback() const noexcept {
  if (is_ipv4()) return ip_[0] == 127;
  return is_ipv6() && std::all_of(ip_.begin(), ip_.end() - 1, [](auto byte) { return byte == 0; }) && ip_[15] == 1;
}

bool address::is_unspecified() const noexcept {
  return (is_ipv4() || is_ipv6()) && std::all_of(ip_.begin(), ip_.end(), [](auto byte) { return byte == 0; });
}

bool address::is_multicast() const noexcept {
  return (is_ipv4() && (ip_[0] & 0xF0) == 0xE0) || (is_ipv6() && ip_[0] == 0xFF);
}

address address::with_port(std::uint16_t port) const {
  address changed = *this;
  changed.port_ = port;
  return changed;
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (kind_) {
    case kind::none: return {};
    case kind::unix_path: return path_;
    case kind::ipv4: return ::inet_ntop(AF_INET, ip_.data(), text, sizeof text);
    case kind::ipv6: break;
  }
  std::string ip = ::inet_ntop(AF_INET6, ip_.data(), text, sizeof text);
  if (scope_ == 0) return ip;
  char name[IF_NAMESIZE];
  return ip + '%' + (::if_indextoname(scope_, name) ? std::string(name) : std::to_string(scope_));
}

std::string address::to_string() const {
  if (kind_ == kind::ipv4) return host() + ':' + std::to_string(port_);
  if (kind_ == kind::ipv6) return '[' + host() + "]:" + std::to_string(port_);
  return path_;
}

}  // namespace weft::net
