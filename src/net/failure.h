// Errors of the network: the operation and the address, "read 10.0.0.1:80: Connection reset by peer".
#pragma once

#include <string>
#include <system_error>

#include <weft/error.h>
#include <weft/net/address.h>

namespace weft::net {

[[gnu::cold]] inline std::unexpected<error> failure(int error_number, const char* op, std::string what) {
  const std::error_code code(error_number, std::generic_category());
  if (what.empty()) return fail(error(code, op));
  return fail(error(code, op, std::move(what)));
}
[[gnu::cold]] inline std::unexpected<error> failure(int error_number, const char* op, const address& where) {
  return failure(error_number, op, where.to_string());
}

}  // namespace weft::net
