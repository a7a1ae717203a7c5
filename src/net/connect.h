// Connecting a socket of any kind.
#pragma once

#include <weft/context.h>

#include "net/open_socket.h"

namespace weft::net {

// Blocks until `fresh` is connected to `to`.
result<detail::handle> connect_to(const context& ctx, fresh_socket fresh, const address& to);

}  // namespace weft::net
