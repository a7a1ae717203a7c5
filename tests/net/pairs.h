// Connected sockets for tests.
#pragma once

#include <weft/net.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

#include "support/eventually.h"

namespace support {

struct tcp_pair {
  weft::net::tcp_conn client, server;
};

// A connection over the loopback; both ends in this process.
inline tcp_pair connected(const std::string& host = "127.0.0.1") {
  auto listener = weft::net::listen_tcp(host + ":0");
  if (!listener) throw std::runtime_error(listener.error().message());
  auto client = weft::net::dial_tcp(listener->local().to_string());
  if (!client) throw std::runtime_error(client.error().message());
  auto server = listener->accept();
  if (!server) throw std::runtime_error(server.error().message());
  return {std::move(*client), std::move(*server)};
}

// Sockets alone: the monitor has a file of the control groups open for a moment each second.
inline int open_sockets() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    struct stat what;
    count += ::stat(entry.path().c_str(), &what) == 0 && S_ISSOCK(what.st_mode);
  }
  return count;
}

inline const int sockets_from_outside = open_sockets();  // the process was started with these

// Are there `own` of this process, in the end? Counted from its start: what an earlier test closed may be open for a moment yet.
inline bool sockets_come_to(int own) {
  return eventually([&] { return open_sockets() == sockets_from_outside + own; });
}

inline std::string read_string(weft::net::stream& from, std::size_t most = 4096) {
  std::string text(most, '\0');
  auto got = from.read(text);
  text.resize(got ? *got : 0);
  return text;
}

}  // namespace support
