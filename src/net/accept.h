// Accepting a connection of any kind.
#pragma once

#include <optional>

#include <weft/context.h>
#include <weft/net/socket.h>

#include "os/socket.h"

namespace weft::net {

struct accepted {
  detail::handle connection;
  os::socket_address peer;
};

result<accepted> accept_from(poll::descriptor* listener, const context* ctx, const address& listens_on);

}  // namespace weft::net
