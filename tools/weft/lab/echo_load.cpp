#include "echo_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "sheet.h"

namespace weft::lab {
namespace {

constexpr std::array<char, 64> message{};
constexpr std::size_t most_samples = 1'000'000;

struct connection {
  int fd;
  std::size_t received = 0;  // of the message on its way
  clock::time_point sent{};
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

// One thread with one epoll loop, edge-triggered.
class load {
 public:
  load(std::uint16_t port, long connections) {
    for (long i = 0; i < connections; ++i) {
      const int fd = dial(port);
      if (fd < 0) break;
      epoll_event event{};
      event.events = EPOLLIN | EPOLLET;  // a read that gets less than it asked for has emptied the socket
      event.data.u64 = all_.size();
      ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
      all_.push_back({.fd = fd});
    }
    for (connection& c : all_) ask(c, clock::now());
    for (std::size_t left = all_.size(); left > 0;) {
      const std::size_t answered = take_answers([](connection&, clock::time_point) {});
      if (answered == 0) break;  // for a second: the server does not serve all of them
      left -= std::min(left, answered);
    }
  }

  void run(clock::duration span, bool is_idle) {
    const auto begin = clock::now();
    std::size_t next = 0;
    const auto ask_next = [&](connection& c, clock::time_point now) { ask(is_idle ? all_[++next % all_.size()] : c, now); };
    if (is_idle && !all_.empty()) ask(all_[0], begin);
    if (!is_idle)
      for (connection& c : all_) ask(c, begin);
    clock::time_point now = begin;
    while (now - begin < span && !all_.empty()) {
      take_answers([&](connection& c, clock::time_point answered) {
        ++answers_;
        if (seconds_.size() < most_samples) seconds_.push_back(std::chrono::duration<double>(answered - c.sent).count());
        ask_next(c, answered);
      });
      now = clock::now();
    }
    per_second_ = static_cast<double>(answers_) / std::chrono::duration<double>(now - begin).count();
  }

  void fill_in(sheet& s) {
    s.set("connections", static_cast<double>(all_.size()));
    s.set("requests_per_second", per_second_);
    s.set_quantiles("answer", std::move(seconds_));
  }

 private:
  static void ask(connection& c, clock::time_point now) {
    c.received = 0;
    c.sent = now;
    static_cast<void>(::send(c.fd, message.data(), message.size(), MSG_NOSIGNAL));
  }

  // How many messages were complete.
  template <class Take>
  std::size_t take_answers(Take take) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 1000);
    std::size_t complete = 0;
    for (int i = 0; i < count; ++i) {
      connection& c = all_[events[static_cast<std::size_t>(i)].data.u64];
      std::array<char, message.size()> buffer;
      const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size() - c.received, MSG_DONTWAIT);
      if (got <= 0) continue;
      c.received += static_cast<std::size_t>(got);
      if (c.received < message.size()) continue;
      ++complete;
      take(c, clock::now());
    }
    return complete;
  }

  const int poller_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<connection> all_;
  std::vector<double> seconds_;  // how long answers took: every one, or the first of them
  std::size_t answers_ = 0;
  double per_second_ = 0;
};

}  // namespace

int echo_load_main(int argc, char** argv) {
  if (argc < 6) return std::fputs("weft lab --echo-load PORT CONNECTIONS RUN_MS IDLE\n", stderr), 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  static shared_progress unwatched{};
  sheet s({}, &unwatched);
  const long wanted = std::atol(argv[3]), allowed = connections_allowed(wanted);
  if (allowed < wanted) s.limited("open files: raise ulimit -n");
  load all(static_cast<std::uint16_t>(std::atoi(argv[2])), allowed);
  all.run(std::chrono::milliseconds(std::atol(argv[4])), std::atoi(argv[5]) != 0);
  all.fill_in(s);
  std::puts(s.to_json().c_str());
  std::fflush(stdout);
  for (char byte; ::read(STDIN_FILENO, &byte, 1) > 0;) {
  }
  return 0;
}

echo_load::echo_load(std::uint16_t port, long connections, long run_ms, bool is_idle) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return;
  to_ = in[1];
  if (::pipe2(out, O_CLOEXEC) == 0) {
    from_ = out[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<std::string> words{"/proc/self/exe", "lab", "--echo-load", std::to_string(port), std::to_string(connections),
                                   std::to_string(run_ms), is_idle ? "1" : "0"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environ) != 0) process_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
  }
  ::close(in[0]);
}

echo_load::~echo_load() {
  if (to_ >= 0) ::close(to_);
  if (from_ >= 0) ::close(from_);
  while (process_ > 0 && ::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string echo_load::sheet() const {
  std::string text;
  char chunk[4096];
  while (!text.ends_with('\n')) {
    const ssize_t got = ::read(from_, chunk, sizeof chunk);
    if (got <= 0 && errno != EINTR) break;
    if (got > 0) text.append(chunk, static_cast<std::size_t>(got));
  }
  return text;
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
  const auto needed = static_cast<rlim_t>(wanted + others);
  if (files.rlim_cur < needed) {
    const rlimit raised{needed, std::max(files.rlim_max, needed)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
      files.rlim_cur = files.rlim_max;
      ::setrlimit(RLIMIT_NOFILE, &files);
    }
    ::getrlimit(RLIMIT_NOFILE, &files);
  }
  return std::min(wanted, static_cast<long>(files.rlim_cur) - others);
}

}  // namespace weft::lab
