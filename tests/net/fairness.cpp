// Busy connections are served alike: none waits while others are answered again and again.
#include "net/pairs.h"
#include "sched/idle.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

namespace {

using namespace std::chrono_literals;

// Plain sockets, used by a plain thread: the load must not share the processor with the server.
class clients {
 public:
  clients(int count, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; ++i) {
      sockets_.push_back({::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), POLLIN, 0});
      EXPECT_EQ(::connect(sockets_.back().fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
      const linger reset{1, 0};
      ::setsockopt(sockets_.back().fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
  }
  ~clients() {
    for (const auto& socket : sockets_) ::close(socket.fd);
  }
  clients(const clients&) = delete;
  clients& operator=(const clients&) = delete;

  // One message of each is on its way at any time. Returns how many answers others got at most while one waited for its own.
  int talk(int total) {
    std::vector<int> asked_at(sockets_.size(), 0);
    int longest = 0;
    for (const auto& socket : sockets_) EXPECT_EQ(::send(socket.fd, "x", 1, 0), 1);
    for (int answers = 0; answers < total;) {
      if (::poll(sockets_.data(), sockets_.size(), 10'000) <= 0) return total;
      for (std::size_t i = 0; i < sockets_.size(); ++i) {
        char byte;
        if (!sockets_[i].revents || ::recv(sockets_[i].fd, &byte, 1, 0) != 1) continue;
        longest = std::max(longest, answers - asked_at[i]);
        asked_at[i] = ++answers;
        EXPECT_EQ(::send(sockets_[i].fd, "x", 1, 0), 1);
      }
    }
    for (const int when : asked_at) longest = std::max(longest, total - when);
    return longest;
  }

 private:
  std::vector<pollfd> sockets_;
};

// So that the server has more to do than the clients.
void work() {
  const auto end = weft::clock::now() + std::chrono::microseconds(20);
  while (weft::clock::now() < end) {
  }
}

// The queue of the processor is never empty, and some of those that are ready are found by the monitor.
TEST(net_fairness, no_connection_waits_while_others_are_served_again_and_again) {
  constexpr int count = 100, rounds = 100;
  support::procs_scope one(1);
  auto listener = weft::net::listen_tcp("127.0.0.1:0");
  ASSERT_TRUE(listener) << listener.error().message();
  weft::wait_group server;
  server.go([&] {
    while (auto conn = listener->accept())
      server.go([conn = std::move(*conn)]() mutable {
        std::array<char, 64> buffer;
        while (auto got = conn.read(buffer)) {
          work();
          if (*got == 0 || !conn.write(std::string_view(buffer.data(), *got))) return;
        }
      });
  });
  // Where the kernel lets the server's thread stand for so long that the monitor takes its processor away, the goroutine that
  // ran there goes on as a thread of its own, and others are served meanwhile: that is another matter.
  constexpr int enough = 8;
  const auto retakes = [] { return weft::sched::the.retakes.load(weft::base::relaxed); };
  int tries = 0, undisturbed = 0;
  for (const auto end = weft::clock::now() + support::stretched(15s); undisturbed < enough && weft::clock::now() < end; ++tries) {
    clients load(count, listener->local().port());
    const auto before = retakes();
    const int longest = load.talk(count * rounds);
    if (retakes() != before) continue;
    ++undisturbed;
    std::printf("one waited while others got %d answers\n", longest);
    EXPECT_LE(longest, 5 * count);
  }
  listener->close();
  server.wait();
  if (undisturbed == 0) GTEST_SKIP() << "the machine is too busy: it let the server stand in each of " << tries << " tries";
}

}  // namespace
