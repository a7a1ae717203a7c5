// A bad line: packets that come late, out of order, twice, or not at all. In a network namespace of the test's own.
#include "net/pairs.h"
#include "support/child.h"

#include <weft/weft.h>

#include <sched.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace {

using namespace std::chrono_literals;

constexpr int not_permitted = 77;

bool shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

WEFT_CHILD(talks_over_a_bad_line) {
  if (::unshare(CLONE_NEWNET) != 0 || !shell("ip link set lo up")) return not_permitted;
  if (!shell("tc qdisc add dev lo root netem delay 3ms 2ms loss 4% duplicate 2% reorder 10%")) return not_permitted;
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    if (!listener) return 1;
    weft::go([&] {
      while (auto conn = listener->accept())
        weft::go([conn = std::move(*conn)]() mutable { (void)weft::io::copy(conn, conn); });
    });
    std::atomic<int> failed{0};
    weft::wait_group clients;
    for (int c = 0; c < 20; ++c)
      clients.go([&] {
        auto conn = weft::net::dial_tcp(listener->local().to_string(), {.timeout = 20s});
        if (!conn) return void(++failed);
        for (int i = 0; i < 10; ++i) {
          const std::string sent(static_cast<std::size_t>(1 + 997 * i), static_cast<char>('a' + i));
          std::string got(sent.size(), '\0');
          if (!conn->write(sent) || !weft::io::read_full(*conn, std::as_writable_bytes(std::span(got))) || got != sent) ++failed;
        }
      });
    clients.wait();
    auto conn = weft::net::dial_tcp(listener->local().to_string());
    conn->set_read_deadline(weft::clock::now() + 1ms);  // sooner than any packet can be back
    std::array<char, 8> buffer;
    if (!conn->write("x") || conn->read(buffer).error() != std::errc::timed_out) return 2;
    conn->set_read_deadline(weft::clock::time_point::max());
    if (conn->read(buffer) != 1u) return 3;
    return failed == 0 ? 0 : 4;
  });
}

TEST(netem, loss_delay_and_reordering_are_survived) {
  const auto child = support::run_child("talks_over_a_bad_line", {}, std::chrono::seconds(50));
  if (child.exit_status == not_permitted) GTEST_SKIP() << "no network namespace, or no tc netem, for this user";
  EXPECT_EQ(child.exit_status, 0) << child;
}

}  // namespace
