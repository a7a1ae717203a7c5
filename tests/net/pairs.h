// Connected sockets for tests.
#pragma once

#include <weft/net.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

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

// Sockets alone: the monitor has a file of the control groups open for a moment each second. What was closed last may be among
// them: with io_uring the kernel keeps it until the poll of it is cancelled. So there may be fewer later on.
inline int open_sockets() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    struct stat what;
    count += ::stat(entry.path().c_str(), &what) == 0 && S_ISSOCK(what.st_mode);
  }
  return count;
}

inline std::string read_string(weft::net::stream& from, std::size_t most = 4096) {
  std::string text(most, '\0');
  auto got = from.read(text);
  text.resize(got ? *got : 0);
  return text;
}

}  // namespace support
