// The load of E9: connections over the loopback, each with one message of 64 bytes on its way at any time.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::lab {

struct echo_figures {
  long connections = 0;  // that could be made
  double per_second = 0;
  std::vector<double> answer_s;  // how long answers took: every one, or a sample
};

// One thread, the calling one, with one epoll loop.
echo_figures load_echo_server(std::uint16_t port, long connections, double seconds);

// Listens on the loopback at any port; the backlog holds everybody. -1: refused.
int listen_on_loopback(std::uint16_t& port);

// For how many connections with both ends here there are descriptors, after the limit was raised as far as it may be.
long connections_allowed(long wanted);

}  // namespace weft::lab
