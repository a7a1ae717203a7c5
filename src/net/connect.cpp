#include "net/connect.h"

#include <algorithm>

#include "net/failure.h"
#include "net/sockaddr.h"
#include "os/socket.h"
#include "poll/descriptor.h"
#include "sched/seam.h"

namespace weft::net {
namespace {

// A Unix listener whose backlog is full says EAGAIN, and nothing tells when there is room.
result<detail::handle> connect_with_pauses(const context& ctx, fresh_socket fresh, const address& to) {
  constexpr std::int64_t shortest_ns = 200'000, longest_ns = 20'000'000;
  const int fd = fresh.fd();
  auto handle = fresh.give_to_poller("dial", to);
  if (!handle) return handle;
  for (std::int64_t pause_ns = shortest_ns;; pause_ns = std::min(2 * pause_ns, longest_ns)) {
    const poll::patience until{.ctx = &ctx, .until_ns = sched::now_ns() + pause_ns};
    const poll::outcome end = handle->get()->pause(poll::direction::write, until);
    if (end != poll::outcome::ready) return failure(poll::error_of(end, until), "dial", to);
    const int failed = os::connect_socket(fd, *to_kernel(to));
    if (failed == 0) return handle;
    if (failed != -EAGAIN) return failure(-failed, "dial", to);
  }
}

}  // namespace

result<detail::handle> connect_to(const context& ctx, fresh_socket fresh, const address& to) {
  if (ctx.cancelled()) return failure(ctx.err().code().value(), "dial", to);
  // Before the poller knows it: a socket that was never connected counts as hung up (poll/readiness.h, D4).
  const int begun = os::connect_socket(fresh.fd(), *to_kernel(to));
  if (begun == 0) return fresh.give_to_poller("dial", to);
  if (begun == -EAGAIN) return connect_with_pauses(ctx, std::move(fresh), to);
  if (begun != -EINPROGRESS) return failure(-begun, "dial", to);
  auto handle = fresh.give_to_poller("dial", to);
  if (!handle) return handle;
  const poll::attempt done = handle->get()->perform(poll::direction::write, {.ctx = &ctx}, [](int fd) {
    const int outcome = os::connect_outcome(fd);
    return poll::attempt_of(outcome == -EINPROGRESS ? -EAGAIN : outcome);
  });
  if (done.error) return failure(done.error, "dial", to);
  return handle;
}

}  // namespace weft::net
