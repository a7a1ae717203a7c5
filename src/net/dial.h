// The steps of dial_tcp.
#pragma once

#include <vector>

#include <weft/net/tcp.h>

namespace weft::net {

struct tcp_dialer {
  static result<tcp_conn> attempt(const context& ctx, const address& to, const address& local);
  static std::vector<address> in_turns(const std::vector<address>& found);  // the families alternate
  static result<tcp_conn> race(const context& ctx, const std::vector<address>& targets, const dial_options& options);
  static bool met_itself(const tcp_conn& conn);
};

}  // namespace weft::net
