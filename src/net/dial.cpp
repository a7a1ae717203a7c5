// dial_tcp: RFC 8305, "Happy Eyeballs".
//
// The addresses are tried in the resolver's order with the families taking turns (RFC 8305, 4). Each attempt is a goroutine;
// the next one starts when an attempt has failed, or `stagger` after the one before (5). The first connection wins and the
// rest are cancelled; one that succeeds nevertheless is closed with the channel it was sent into.
#include "net/dial.h"

#include <netinet/in.h>

#include <weft/chan.h>
#include <weft/select.h>
#include <weft/time.h>

#include "net/connect.h"
#include "net/failure.h"
#include "net/names.h"
#include "net/sockaddr.h"
#include "os/socket.h"

namespace weft::net {

// On the loopback a port that dials itself is connected to itself (simultaneous open): nobody listens there.
bool tcp_dialer::met_itself(const tcp_conn& conn) { return conn.local() == conn.remote(); }

result<tcp_conn> tcp_dialer::attempt(const context& ctx, const address& to, const address& local) {
  for (int tries = 0; tries < 3; ++tries) {
    auto fresh = fresh_socket::make(to, SOCK_STREAM, "dial");
    if (!fresh) return fail(fresh);
    set_tcp_defaults(fresh->fd());
    if (local.family() != address::kind::none) {
      const auto from = to_kernel(local);
      const int failed = from ? os::bind_socket(fresh->fd(), *from) : -EINVAL;
      if (failed) return failure(-failed, "dial", to);
    }
    auto handle = connect_to(ctx, std::move(*fresh), to);
    if (!handle) return fail(handle);
    tcp_conn made(std::move(*handle), to, true);
    if (!met_itself(made)) return made;
  }
  return failure(ECONNREFUSED, "dial", to);
}

std::vector<address> tcp_dialer::in_turns(const std::vector<address>& found) {
  std::vector<address> first, second, all;
  for (const address& each : found) (each.family() == found.front().family() ? first : second).push_back(each);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) all.push_back(first[i]);
    if (i < second.size()) all.push_back(second[i]);
  }
  return all;
}

result<tcp_conn> tcp_dialer::race(const context& ctx, const std::vector<address>& targets, const dial_options& options) {
  const auto all = with_cancel(ctx);
  chan<result<tcp_conn>> outcomes(targets.size());  // room for everybody: the losers do not wait
  error first;
  std::size_t started = 0, failed = 0;
  while (failed < targets.size()) {
    if (started < targets.size())
      go([outcomes, ctx = static_cast<const context&>(all), to = targets[started++], local = options.local] {
        outcomes.send(attempt(ctx, to, local));
      });
    auto outcome = on_recv(outcomes);
    auto later = on_timeout(options.stagger);
    auto quit = on_done(ctx);
    select(outcome, when(started < targets.size(), later), quit);
    if (quit) return failure(ctx.err().code().value(), "dial", targets.front());
    if (later) continue;
    auto made = *outcome.take();
    if (made) return made;
    if (++failed == 1) first = made.error();
  }
  return fail(first);
}

namespace {

result<tcp_conn> dial(const context& ctx, std::string_view text, const dial_options& options) {
  const auto target = split(text, "dial");
  if (!target) return fail(target);
  auto found = addresses_of(ctx, *target, "dial", text);
  if (!found) return fail(found);
  if (found->empty()) found->push_back(loopback(target->port));
  if (found->size() == 1) return tcp_dialer::attempt(ctx, found->front(), options.local);
  return tcp_dialer::race(ctx, tcp_dialer::in_turns(*found), options);
}

}  // namespace

result<tcp_conn> dial_tcp(const context& ctx, std::string_view host_port, dial_options options) {
  if (options.timeout <= clock::duration::zero()) return dial(ctx, host_port, options);
  return dial(with_timeout(ctx, options.timeout), host_port, options);
}
result<tcp_conn> dial_tcp(std::string_view host_port, dial_options options) {
  return dial_tcp(background(), host_port, options);
}

}  // namespace weft::net
