#include "net/open_socket.h"

#include "net/failure.h"
#include "net/sockaddr.h"
#include "os/descriptor.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

result<fresh_socket> fresh_socket::make(const address& of_the_family_of, int type, const char* op) {
  if (!to_kernel(of_the_family_of)) return failure(EINVAL, op, of_the_family_of);
  const int fd = os::make_socket(family_of(of_the_family_of), type);
  if (fd < 0) return failure(-fd, op, of_the_family_of);
  return fresh_socket(fd);
}

fresh_socket::~fresh_socket() {
  if (fd_ >= 0) os::close_descriptor(fd_);
}

result<detail::handle> fresh_socket::give_to_poller(const char* op, const address& about) {
  int failed = 0;
  poll::descriptor* const d = poll::open(fd_, failed);
  if (!d) return failure(failed, op, about);
  fd_ = -1;
  return detail::handle(d);
}

std::string descriptor_name(int fd) { return "descriptor " + std::to_string(fd); }

result<detail::handle> adopt_socket(int fd, int type, const char* op) {
  if (os::get_option(fd, SOL_SOCKET, SO_TYPE) != type)
    return failure(EINVAL, op, descriptor_name(fd) + " (not a socket of this kind)");
  int failed = os::set_nonblocking(fd);
  poll::descriptor* const d = failed ? nullptr : poll::open(fd, failed);
  if (!d) return failure(failed, op, descriptor_name(fd));
  return detail::handle(d);
}

}  // namespace weft::net
