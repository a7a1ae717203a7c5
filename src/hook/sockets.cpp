// Sockets: recv, recvfrom, recvmsg, recvmmsg, send, sendto, sendmsg, sendmmsg, accept, accept4, connect.
//
// MSG_DONTWAIT makes one call non-blocking and no one else's. Left to libc: calls that already ask not to wait, urgent data
// and the error queue, which never wait, a peek for all of several bytes, which the poller cannot wait for, and several
// messages each of which is to be filled.
#include <fcntl.h>

#include <optional>
#include <utility>

#include <weft/runtime.h>

#include "hook/pieces.h"
#include "hook/transfer.h"
#include "sched/seam.h"

namespace weft::hook {
namespace {

constexpr int never_waits = MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE;

bool wants_to_wait(int flags) noexcept {
  if (flags & never_waits) return false;
  return (flags & (MSG_PEEK | MSG_WAITALL)) != (MSG_PEEK | MSG_WAITALL);
}

// Of datagrams, one is all that a call gets, whatever it asked for.
bool is_stream(int fd) noexcept {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// The rest of a message: the peer's name and what came beside the bytes went with the first of them. A signal for a peer
// that left is for calls that have moved nothing.
template <class Move>
auto rest_of(const msghdr& message, Move&& move) {
  return [&message, move, left = std::optional<pieces>(), at = std::size_t{0}](std::size_t done) mutable {
    if (!left) left.emplace(message.msg_iov, message.msg_iovlen);
    left->drop(done - std::exchange(at, done));
    msghdr rest{};
    rest.msg_iov = left->data();
    rest.msg_iovlen = left->count();
    return move(&rest);
  };
}

template <class Call>
ssize_t receive_parking(int fd, void* into, std::size_t size, int flags, socklen_t* from_size, Call&& call) {
  if ((flags & MSG_WAITALL) && is_stream(fd)) {
    const auto part = [=](std::size_t done, int how) {
      return real::recv(fd, static_cast<std::byte*>(into) + done, size - done, how);
    };
    return move_all(fd, direction::read, size, [=](std::size_t done) { return part(done, flags | MSG_DONTWAIT); },
                    [=](std::size_t done) { return part(done, flags); });
  }
  const socklen_t room = from_size ? *from_size : 0;
  return read_some(fd, [=] {
    if (from_size) *from_size = room;
    return call(flags | MSG_DONTWAIT);
  }, [=] { return call(flags); });
}

ssize_t receive(int fd, void* into, std::size_t size, int flags, sockaddr* from, socklen_t* from_size) {
  const auto call = [=](int how) {
    return from ? real::recvfrom(fd, into, size, how, from, from_size) : real::recv(fd, into, size, how);
  };
  if (!wants_to_wait(flags) || !may_park()) return call(flags);
  return with_errno([&] { return receive_parking(fd, into, size, flags, from_size, call); });
}

ssize_t receive_message(int fd, msghdr* message, int flags) {
  const msghdr before = *message;  // its lengths are overwritten by each attempt
  const auto first = [=](int how) {
    *message = before;
    return real::recvmsg(fd, message, how);
  };
  const ssize_t got = read_some(fd, [=] { return first(flags | MSG_DONTWAIT); }, [=] { return first(flags); });
  const std::size_t wanted = total(before.msg_iov, before.msg_iovlen);
  if (!(flags & MSG_WAITALL) || got <= 0 || static_cast<std::size_t>(got) >= wanted || !is_stream(fd)) return got;
  if (message->msg_controllen > 0) return got;  // what comes beside belongs to these bytes: the kernel stops here, too
  const auto here = static_cast<std::size_t>(got);
  auto more = rest_of(before, [=](msghdr* rest) { return real::recvmsg(fd, rest, flags | MSG_DONTWAIT); });
  auto more_on_thread = rest_of(before, [=](msghdr* rest) { return real::recvmsg(fd, rest, flags); });
  const ssize_t later = move_all(fd, direction::read, wanted - here, [&](std::size_t done) { return more(here + done); },
                                 [&](std::size_t done) { return more_on_thread(here + done); });
  return got + std::max<ssize_t>(later, 0);
}

int quiet_after(std::size_t done) noexcept { return done > 0 ? MSG_NOSIGNAL : 0; }

ssize_t send_all(int fd, const void* from, std::size_t size, int flags, const sockaddr* to, socklen_t to_size) {
  const auto part = [=](std::size_t done, int how) {
    const void* const rest = static_cast<const std::byte*>(from) + done;
    how |= quiet_after(done);
    return to ? real::sendto(fd, rest, size - done, how, to, to_size) : real::send(fd, rest, size - done, how);
  };
  if ((flags & MSG_DONTWAIT) || !may_park()) return part(0, flags);
  return with_errno([&] {
    return move_all(fd, direction::write, size, [=](std::size_t done) { return part(done, flags | MSG_DONTWAIT); },
                    [=](std::size_t done) { return part(done, flags); });
  });
}

ssize_t send_message(int fd, const msghdr* message, int flags) {
  auto rest = rest_of(*message, [=](msghdr* left) { return real::sendmsg(fd, left, flags | MSG_DONTWAIT | MSG_NOSIGNAL); });
  auto on_thread = rest_of(*message, [=](msghdr* left) { return real::sendmsg(fd, left, flags | MSG_NOSIGNAL); });
  return move_all(
      fd, direction::write, total(message->msg_iov, message->msg_iovlen),
      [&](std::size_t done) { return done ? rest(done) : real::sendmsg(fd, message, flags | MSG_DONTWAIT); },
      [&](std::size_t done) { return done ? on_thread(done) : real::sendmsg(fd, message, flags); });
}

// Of several messages, those that were moved count more than what ended it.
int so_far(unsigned done, ssize_t last) noexcept { return static_cast<int>(done > 0 ? done : last); }

// The kernel looks at the time after each message that it has received: no time ends a wait.
int receive_batch(int fd, mmsghdr* messages, unsigned count, int flags, timespec* time) {
  const std::int64_t deadline_ns = time ? deadline_after(*time) : os::no_deadline;
  const bool one_is_enough = (flags & MSG_WAITFORONE) != 0;
  unsigned done = 0;
  do {
    const ssize_t some = move_some(
        fd, direction::read,
        [&] { return real::recvmmsg(fd, messages + done, count - done, (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT, nullptr); },
        [&] { return real::recvmmsg(fd, messages + done, count - done, flags, time); });
    if (some <= 0) return so_far(done, some);
    done += static_cast<unsigned>(some);
  } while (done < count && !one_is_enough && !(time && sched::now_ns() >= deadline_ns));
  if (time) *time = span_until(deadline_ns);
  return static_cast<int>(done);
}

int send_batch(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (is_stream(fd)) {
    for (unsigned i = 0; i < count; ++i) {
      const ssize_t sent = send_message(fd, &messages[i].msg_hdr, flags);
      if (sent < 0) return so_far(i, sent);
      messages[i].msg_len = static_cast<unsigned>(sent);
      if (messages[i].msg_len < total(messages[i].msg_hdr.msg_iov, messages[i].msg_hdr.msg_iovlen)) return static_cast<int>(i + 1);
    }
    return static_cast<int>(count);
  }
  unsigned done = 0;
  while (done < count) {
    const ssize_t some = move_some(
        fd, direction::write, [&] { return real::sendmmsg(fd, messages + done, count - done, flags | MSG_DONTWAIT); },
        [&] { return real::sendmmsg(fd, messages + done, count - done, flags); });
    if (some <= 0) return so_far(done, some);
    done += static_cast<unsigned>(some);
  }
  return static_cast<int>(done);
}

constexpr unsigned most_messages = 1024;  // UIO_MAXIOV: the kernel takes no more

bool is_ready(int fd, short events) noexcept {
  pollfd one{fd, events, 0};
  return real::poll(&one, 1, 0) != 0;
}

// On any other, accept fails at once, and there is nothing to wait for.
bool is_listening(int fd) noexcept {
  int is = 0;
  socklen_t size = sizeof is;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &size) == 0 && is;
}

// There is no MSG_DONTWAIT for accept: look first. Goroutines take turns (descriptor::perform), so that no other of this
// process takes the connection in between; if another process does, the thread waits for the next one.
template <class Accept>
int accept_one(int fd, Accept&& accept) {
  if (!may_park() || is_nonblocking(fd) || !is_listening(fd)) return accept();
  const auto attempt = [&]() -> ssize_t { return is_ready(fd, POLLIN) ? accept() : set_errno(EAGAIN); };
  return static_cast<int>(with_errno([&] { return read_some(fd, attempt, accept); }));
}

// How the connection that is being made turned out.
ssize_t connection(int fd) noexcept {
  if (!is_ready(fd, POLLOUT)) return set_errno(EAGAIN);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -1;
  return error ? set_errno(error) : 0;
}

// The socket is non-blocking while this one system call runs: a socket that is not yet connected is hardly shared.
int begin_connect(int fd, const sockaddr* to, socklen_t size, int flags) noexcept {
  if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return -1;
  const int result = real::connect(fd, to, size);
  const int error = get_errno();
  ::fcntl(fd, F_SETFL, flags);
  set_errno(error);
  return result;
}

int connect_parking(int fd, const sockaddr* to, socklen_t size) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK)) return real::connect(fd, to, size);
  if (begin_connect(fd, to, size, flags) == 0) return 0;
  // EAGAIN: the queue of a Unix socket's listener is full. Nothing tells when it no longer is, but a thread may wait for it.
  if (get_errno() == EAGAIN && has_scheduler()) return weft::blocking([=] { return real::connect(fd, to, size); });
  if (get_errno() == EAGAIN) return real::connect(fd, to, size);
  // EALREADY: an earlier call has begun, when the socket was non-blocking or the time was too short. This one waits for it.
  const int begun = get_errno();
  if (begun != EINPROGRESS && begun != EALREADY) return -1;
  const blocked end =
      block_until(fd, direction::write, socket_deadline(fd, direction::write), [=] { return connection(fd); });
  if (end.how == verdict::thread_must) return real::connect(fd, to, size);  // waits for the one that has begun
  if (end.how == verdict::failed && get_errno() == EAGAIN) return set_errno(begun);  // as SO_SNDTIMEO has it
  return static_cast<int>(end.count);
}

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

extern "C" {

ssize_t recv(int fd, void* into, size_t size, int flags) { return receive(fd, into, size, flags, nullptr, nullptr); }

ssize_t recvfrom(int fd, void* into, size_t size, int flags, sockaddr* from, socklen_t* from_size) {
  return receive(fd, into, size, flags, from, from ? from_size : nullptr);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (!wants_to_wait(flags) || !may_park()) return real::recvmsg(fd, message, flags);
  return with_errno([=] { return receive_message(fd, message, flags); });
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* time) {
  if (count == 0 || !wants_to_wait(flags) || (flags & MSG_WAITALL) || (time && !is_time(*time)) || !may_park())
    return real::recvmmsg(fd, messages, count, flags, time);
  return with_errno([=] { return receive_batch(fd, messages, std::min(count, most_messages), flags, time); });
}

ssize_t send(int fd, const void* from, size_t size, int flags) { return send_all(fd, from, size, flags, nullptr, 0); }

ssize_t sendto(int fd, const void* from, size_t size, int flags, const sockaddr* to, socklen_t to_size) {
  return send_all(fd, from, size, flags, to, to_size);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if ((flags & MSG_DONTWAIT) || !may_park()) return real::sendmsg(fd, message, flags);
  return with_errno([=] { return send_message(fd, message, flags); });
}

int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (count == 0 || (flags & MSG_DONTWAIT) || !may_park()) return real::sendmmsg(fd, messages, count, flags);
  return with_errno([=] { return send_batch(fd, messages, std::min(count, most_messages), flags); });
}

int accept(int fd, sockaddr* from, socklen_t* size) {
  return accept_one(fd, [=] { return real::accept(fd, from, size); });
}

int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
  return accept_one(fd, [=] { return real::accept4(fd, from, size, flags); });
}

int connect(int fd, const sockaddr* to, socklen_t size) {
  if (!may_park()) return real::connect(fd, to, size);
  return with_errno([=] { return connect_parking(fd, to, size); });
}

}  // extern "C"
