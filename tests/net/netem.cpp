// A bad line: packets that come late, out of order, twice, or not at all. In a network namespace of the test's own: by the
// kernel's netem where it has that, and by a device whose packets pass through this process anywhere.
#include "net/pairs.h"
#include "support/child.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>

namespace {

using namespace std::chrono_literals;

constexpr int not_permitted = 77;

bool shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

// A device that loses 4 % of its packets, doubles 2 %, sends 10 % at once and the others 1 to 5 ms late. What is sent to
// 10.9.0.2 comes back from there: source and destination change places, which leaves all checksums right.
class bad_line {
 public:
  bool open() {
    fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strcpy(request.ifr_name, "bad0");
    return fd_ >= 0 && ::ioctl(fd_, TUNSETIFF, &request) == 0 && shell("ip address add 10.9.0.1/24 dev bad0") &&
           shell("ip link set bad0 up");
  }
  void serve() {
    while (true) {
      pollfd one{fd_, POLLIN, 0};
      ::poll(&one, 1, late_.empty() ? 1000 : 1);
      take_packets();
      for (auto now = weft::clock::now(); !late_.empty() && late_.begin()->first <= now; late_.erase(late_.begin()))
        static_cast<void>(::write(fd_, late_.begin()->second.data(), late_.begin()->second.size()));
    }
  }

 private:
  void take_packets() {
    std::array<char, 2048> bytes;
    for (ssize_t size; (size = ::read(fd_, bytes.data(), bytes.size())) > 0;) {
      if (size < 20 || bytes[0] >> 4 != 4) continue;  // not IPv4
      std::swap_ranges(bytes.begin() + 12, bytes.begin() + 16, bytes.begin() + 16);
      const int fate = random_.below(100);
      if (fate < 4) continue;
      for (int copies = fate < 6 ? 2 : 1; copies > 0; --copies)
        late_.emplace(weft::clock::now() + (fate >= 90 ? 0us : std::chrono::microseconds(1000 + random_.below(4000))),
                      std::string(bytes.data(), static_cast<std::size_t>(size)));
    }
  }
  int fd_ = -1;
  support::small_random random_{static_cast<std::uint64_t>(::getpid())};
  std::multimap<weft::clock::time_point, std::string> late_;
};

int talk(const std::string& listen_at, const std::string& dial_at) {
  auto listener = weft::net::listen_tcp(listen_at + ":0");
  if (!listener) return 1;
  const std::string where = dial_at + ":" + std::to_string(listener->local().port());
  weft::go([&] {
    while (auto conn = listener->accept())
      weft::go([conn = std::move(*conn)]() mutable { (void)weft::io::copy(conn, conn); });
  });
  std::atomic<int> failed{0};
  weft::wait_group clients;
  for (int c = 0; c < 20; ++c)
    clients.go([&] {
      auto conn = weft::net::dial_tcp(where, {.timeout = 20s});
      if (!conn) return void(++failed);
      for (int i = 0; i < 10; ++i) {
        const std::string sent(static_cast<std::size_t>(1 + 997 * i), static_cast<char>('a' + i));
        std::string got(sent.size(), '\0');
        if (!conn->write(sent) || !weft::io::read_full(*conn, std::as_writable_bytes(std::span(got))) || got != sent) ++failed;
      }
    });
  clients.wait();
  std::array<char, 8> buffer;
  for (int tries = 0;; ++tries) {  // a packet that is sent at once may be faster
    auto conn = weft::net::dial_tcp(where);
    if (!conn || tries > 20) return 2;
    conn->set_read_deadline(weft::clock::now() + 1ms);
    if (!conn->write("x")) return 3;
    const auto early = conn->read(buffer);
    if (early) continue;
    if (early.error() != std::errc::timed_out) return 4;
    conn->set_read_deadline(weft::clock::time_point::max());
    if (conn->read(buffer) != 1u) return 5;
    return failed == 0 ? 0 : 6;
  }
}

WEFT_CHILD(talks_through_netem) {
  if (::unshare(CLONE_NEWNET) != 0 || !shell("ip link set lo up")) return not_permitted;
  if (!shell("tc qdisc add dev lo root netem delay 3ms 2ms loss 4% duplicate 2% reorder 10%")) return not_permitted;
  return weft::run([] { return talk("127.0.0.1", "127.0.0.1"); });
}

WEFT_CHILD(talks_over_a_bad_line) {
  bad_line line;
  if (::unshare(CLONE_NEWNET) != 0 || !shell("ip link set lo up") || !line.open()) return not_permitted;
  std::thread([&] { line.serve(); }).detach();
  const int outcome = weft::run([] { return talk("10.9.0.1", "10.9.0.2"); });
  std::quick_exit(outcome);  // the line lives on the stack
}

void expect_talk(const char* child, const char* needs) {
  const auto ended = support::run_child(child, {}, std::chrono::seconds(50));
  if (ended.exit_status == not_permitted) GTEST_SKIP() << "this needs " << needs;
  EXPECT_EQ(ended.exit_status, 0) << ended;
}

TEST(netem, the_kernels_loss_delay_and_reordering_are_survived) {
  expect_talk("talks_through_netem", "a network namespace of its own, and a kernel with sch_netem");
}
TEST(netem, loss_delay_and_reordering_are_survived) {
  expect_talk("talks_over_a_bad_line", "a network namespace of its own, and /dev/net/tun");
}

}  // namespace
