// Addresses as the kernel writes them.
#pragma once

#include <optional>

#include <weft/net/address.h>

#include "os/socket.h"

namespace weft::net {

std::optional<os::socket_address> to_kernel(const address& a) noexcept;  // nothing: of no kind, or a path too long
address from_kernel(const os::socket_address& a);
address mapped(const address& ipv4);  // its IPv6 form
int family_of(const address& a) noexcept;

}  // namespace weft::net
