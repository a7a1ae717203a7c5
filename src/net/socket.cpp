#include <weft/net/socket.h>

#include "net/failure.h"
#include "net/sockaddr.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

void detail::handle::reset() noexcept { std::exchange(descriptor_, nullptr)->forget(); }

void socket::set_deadlines(detail::side which, clock::time_point when) {
  poll::descriptor* const d = descriptor();
  if (!d) return;
  const std::int64_t when_ns = when.time_since_epoch().count();  // time_point::max() is poll::readiness::never
  if (which != detail::side::write) d->set_deadline(poll::direction::read, when_ns);
  if (which != detail::side::read) d->set_deadline(poll::direction::write, when_ns);
}

void socket::close() {
  if (poll::descriptor* d = descriptor()) d->close();
}

address socket::local() const {
  address found;
  if (poll::descriptor* d = descriptor())
    d->with_fd([&](int fd) {
      os::socket_address name;
      if (os::local_address(fd, name) == 0) found = from_kernel(name);
    });
  return found;
}

int socket::native_handle() const {
  int open_fd = -1;
  if (poll::descriptor* d = descriptor()) d->with_fd([&](int fd) { open_fd = fd; });
  return open_fd;
}

result<void> socket::set_option(int level, int name, int value) {
  int failed = -ECANCELED;
  if (poll::descriptor* d = descriptor()) d->with_fd([&](int fd) { failed = os::set_option(fd, level, name, value); });
  if (failed) return failure(-failed, "set_option", local());
  return {};
}

result<int> socket::get_option(int level, int name) const {
  std::optional<int> value;
  poll::descriptor* const d = descriptor();
  if (!d || !d->with_fd([&](int fd) { value = os::get_option(fd, level, name); }))
    return failure(ECANCELED, "get_option", address());
  if (!value) return failure(ENOPROTOOPT, "get_option", local());
  return *value;
}

result<void> socket::receive_buffer(int bytes) { return set_option(SOL_SOCKET, SO_RCVBUF, bytes); }
result<void> socket::send_buffer(int bytes) { return set_option(SOL_SOCKET, SO_SNDBUF, bytes); }

}  // namespace weft::net
