// Connected sockets for tests.
#pragma once

#include <weft/net.h>

#include <gtest/gtest.h>

#include <dirent.h>

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

inline int open_descriptors() {
  int count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count - 3;  // ".", ".." and the folder itself
}

inline std::string read_string(weft::net::stream& from, std::size_t most = 4096) {
  std::string text(most, '\0');
  auto got = from.read(text);
  text.resize(got ? *got : 0);
  return text;
}

}  // namespace support
