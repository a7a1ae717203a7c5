// The load on an echo server: N connections, each with one message of 64 bytes on its way at any time.
//
//   load run  PORT CONNECTIONS SECONDS    prints {"rps":…,"p50_us":…,"p99_us":…,"idle":…} after a warm-up of half a second
//   load hold PORT CONNECTIONS            one message on each, prints "held", and keeps them open until its input ends
//
// One thread that goes round its connections: it reads, and where there is an answer it sends the next message. No poller and
// one look at the clock per message: two system calls per answer, where an epoll loop has its share of a third, so that it
// limits no server (an epoll loop here held all good ones to what it does itself). Reads in vain say how far it is from that:
// "idle" is how many of them there were per answer. Connections end with a reset, so that ten thousand leave no port in
// TIME_WAIT.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t message_size = 64;
const std::string message(message_size, 'm');

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct connection {
  int fd = -1;
  std::size_t received = 0;  // of the message on its way
  steady::time_point sent{};
};

connection dial(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  const linger reset{1, 0};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) die("connect");
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return {.fd = fd};
}

void send_message(connection& c, steady::time_point now = steady::now()) {
  c.received = 0;
  c.sent = now;
  if (::send(c.fd, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size())) die("send");
}

bool take_answer(connection& c, int flags) {  // true: it is complete
  char buffer[message_size];
  const ssize_t got = ::recv(c.fd, buffer, message_size - c.received, flags);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) die("recv");
  c.received += static_cast<std::size_t>(got);
  return c.received == message_size;
}

// Latencies in buckets a sixteenth of their value wide.
class histogram {
 public:
  void add(std::uint64_t ns) { ++buckets_[bucket(ns)], ++count_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double quantile_us(double share) const {
    std::uint64_t left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (left < buckets_[i]) return static_cast<double>(lower_end(i)) / 1000;
      left -= buckets_[i];
    }
    return 0;
  }

 private:
  static std::size_t bucket(std::uint64_t ns) {
    if (ns < 16) return ns;
    const unsigned shift = 59 - static_cast<unsigned>(__builtin_clzll(ns));
    return 16 * shift + (ns >> shift);
  }
  static std::uint64_t lower_end(std::size_t i) { return i < 32 ? i : (i % 16 + 16) << (i / 16 - 1); }
  std::array<std::uint64_t, 1024> buckets_{};
  std::uint64_t count_ = 0;
};

void run(std::vector<connection>& all, double seconds) {
  for (connection& c : all) send_message(c);
  histogram latencies;
  std::uint64_t in_vain = 0;
  const auto begin = steady::now() + std::chrono::milliseconds(500);
  const auto end = begin + std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
  for (auto now = steady::now(); now < end; now = steady::now()) {
    for (connection& c : all) {
      if (!take_answer(c, MSG_DONTWAIT)) {
        ++in_vain;
        continue;
      }
      const auto answered = steady::now();
      if (answered >= begin) latencies.add(static_cast<std::uint64_t>((answered - c.sent).count()));
      send_message(c, answered);
    }
  }
  const auto answers = static_cast<double>(latencies.count());
  std::printf("{\"rps\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"idle\":%.2f}\n", answers / seconds,
              latencies.quantile_us(0.5), latencies.quantile_us(0.99), static_cast<double>(in_vain) / answers);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 3 ? argv[1] : "";
  if (mode != "hold" && !(mode == "run" && argc > 4)) return std::fputs("load run|hold PORT CONNECTIONS [SECONDS]\n", stderr), 2;
  rlimit files;
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<connection> all;
  for (int i = 0; i < std::atoi(argv[3]); ++i) all.push_back(dial(std::atoi(argv[2])));
  if (mode == "run") return run(all, std::atof(argv[4])), 0;
  for (connection& c : all) {
    send_message(c);
    while (!take_answer(c, 0)) {
    }
  }
  std::puts("held");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
