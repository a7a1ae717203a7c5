#include "net/accept.h"

#include <algorithm>

#include "net/failure.h"
#include "os/descriptor.h"
#include "poll/descriptor.h"
#include "sched/seam.h"

namespace weft::net {
namespace {

// Of the connection that was to be accepted, not of the listener: the next one may be fine (accept(2), "Error handling").
bool is_the_peers(int error) noexcept {
  switch (error) {
    case ECONNABORTED: case ENETDOWN: case EPROTO: case ENOPROTOOPT: case EHOSTDOWN: case ENONET: case EHOSTUNREACH:
    case EOPNOTSUPP: case ENETUNREACH: case EPERM:
      return true;
    default: return false;
  }
}
// The connection stays in the backlog until there is room for it.
bool is_exhaustion(int error) noexcept { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

result<accepted> accept_from(poll::descriptor* listener, const context* ctx, const address& listens_on) {
  constexpr std::int64_t shortest_pause_ns = 1'000'000, longest_pause_ns = 50'000'000;
  if (!listener) return failure(EBADF, "accept", listens_on);
  accepted made;
  std::int64_t pause_ns = shortest_pause_ns;
  while (true) {
    if (ctx && ctx->cancelled()) return failure(ctx->err().code().value(), "accept", listens_on);
    const poll::attempt got = listener->perform(poll::direction::read, {.ctx = ctx}, [&](int fd) {
      return poll::attempt_of(os::accept_socket(fd, made.peer));
    });
    int error = got.error;
    if (error == 0) {
      const int fd = static_cast<int>(got.count);
      if (poll::descriptor* d = poll::open(fd, error)) {
        made.connection = detail::handle(d);
        return made;
      }
      os::close_descriptor(fd);
      return failure(error, "accept", listens_on);
    }
    if (is_the_peers(error)) continue;
    if (!is_exhaustion(error)) return failure(error, "accept", listens_on);
    const poll::patience until{.ctx = ctx, .until_ns = sched::now_ns() + pause_ns};
    const poll::outcome end = listener->pause(poll::direction::read, until);
    if (end != poll::outcome::ready) return failure(poll::error_of(end, until), "accept", listens_on);
    pause_ns = std::min(2 * pause_ns, longest_pause_ns);
  }
}

}  // namespace weft::net
