// Sockets that block the goroutine, or the plain thread, and nothing else.
//
//   auto server = weft::net::listen_tcp(":7000");
//   if (!server) return weft::fail(server);
//   while (auto client = server->accept()) {
//     weft::go([client = std::move(*client)]() mutable {
//       std::array<char, 4096> buffer;
//       while (auto got = client.read(buffer)) {
//         if (*got == 0 || !client.write(std::string_view(buffer.data(), *got))) return;
//       }
//     });
//   }
//
// Everything may be called from any goroutine or thread, several at a time. A socket closes itself in its destructor. Errors
// name the operation and the address: "dial 10.0.0.1:80: Connection refused". A peer that has gone never raises SIGPIPE.
#pragma once

#include <weft/net/address.h>
#include <weft/net/resolve.h>
#include <weft/net/socket.h>
#include <weft/net/stream.h>
#include <weft/net/tcp.h>
#include <weft/net/udp.h>
#include <weft/net/unix.h>
