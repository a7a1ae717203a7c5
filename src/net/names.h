// From "host:port" to addresses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <weft/context.h>
#include <weft/net/address.h>

namespace weft::net {

struct host_port {
  std::string host;         // "": every interface, or this host
  std::uint16_t port = 0;
};

// Splits "host:port", "[::1]:port", ":port"; the port may be the name of a service.
result<host_port> split(std::string_view text, const char* op);

// Numbers are not looked up. An empty host gives no address.
result<std::vector<address>> addresses_of(const context& ctx, const host_port& target, const char* op, std::string_view text);

// "::" with the port, or "0.0.0.0" on a machine without IPv6.
address any_interface(std::uint16_t port);
address loopback(std::uint16_t port);

}  // namespace weft::net
