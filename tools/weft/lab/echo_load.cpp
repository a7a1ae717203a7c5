#include "echo_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace weft::lab {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::array<char, 64> message{};
constexpr std::size_t most_samples = 1'000'000;

struct connection {
  int fd;
  std::size_t received = 0;
  steady::time_point sent{};
};

int dial(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  const linger reset{1, 0};  // no port stays in TIME_WAIT
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0) return -1;
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

bool ask(connection& c) {
  c.received = 0;
  c.sent = steady::now();
  return ::send(c.fd, message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
}

}  // namespace

echo_figures load_echo_server(std::uint16_t port, long connections, double seconds) {
  echo_figures figures;
  std::vector<connection> all;
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (long i = 0; i < connections; ++i) {
    const int fd = dial(port);
    if (fd < 0) break;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = all.size();
    ::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    all.push_back({.fd = fd});
  }
  figures.connections = static_cast<long>(all.size());
  for (connection& c : all) ask(c);
  const auto begin = steady::now();
  const auto end = begin + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
  std::array<epoll_event, 256> events;
  long answered = 0;
  for (auto now = begin; now < end; now = steady::now()) {
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 50);
    for (int i = 0; i < count; ++i) {
      connection& c = all[events[static_cast<std::size_t>(i)].data.u64];
      std::array<char, 64> buffer;
      const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size() - c.received, MSG_DONTWAIT);
      if (got <= 0) continue;
      c.received += static_cast<std::size_t>(got);
      if (c.received < message.size()) continue;
      ++answered;
      if (figures.answer_s.size() < most_samples)
        figures.answer_s.push_back(std::chrono::duration<double>(steady::now() - c.sent).count());
      ask(c);
    }
  }
  figures.per_second = static_cast<double>(answered) / std::chrono::duration<double>(steady::now() - begin).count();
  for (const connection& c : all) ::close(c.fd);
  ::close(poller);
  return figures;
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(fd, 1 << 20) != 0) return -1;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  port = ntohs(name.sin_port);
  return fd;
}

long connections_allowed(long wanted) {
  constexpr long others = 100;
  rlimit files;
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto needed = static_cast<rlim_t>(2 * wanted + others);
  if (files.rlim_cur < needed) {
    const rlimit raised{needed, std::max(files.rlim_max, needed)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
      files.rlim_cur = files.rlim_max;
      ::setrlimit(RLIMIT_NOFILE, &files);
    }
    ::getrlimit(RLIMIT_NOFILE, &files);
  }
  return std::min(wanted, (static_cast<long>(files.rlim_cur) - others) / 2);
}

}  // namespace weft::lab
