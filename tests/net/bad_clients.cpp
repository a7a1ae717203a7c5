// Clients as there are: one that sends a byte a second, one that never reads, those that reset their connection. One server
// has them all at the same time, and others are served beside them.
#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>

namespace {

using namespace std::chrono_literals;

class bad_clients : public testing::TestWithParam<int> {
 protected:
  bad_clients() {
    server_.go([this] {
      while (auto conn = listener_.accept()) server_.go([this, conn = std::move(*conn)]() mutable { serve(std::move(conn)); });
    });
  }
  ~bad_clients() override {
    listener_.close();
    server_.wait();
  }
  [[nodiscard]] weft::net::tcp_conn dial() const { return weft::net::dial_tcp(listener_.local().to_string()).value(); }

  std::atomic<int> ended{0}, reset{0}, gave_up{0};

 private:
  void serve(weft::net::tcp_conn conn) {
    std::array<char, 4096> buffer;
    while (true) {
      const auto got = conn.read(buffer);
      if (!got) return void(++reset);
      if (*got == 0) return void(++ended);
      conn.set_write_deadline(weft::clock::now() + support::stretched(300ms));
      const auto sent = conn.write(std::string_view(buffer.data(), *got));
      if (!sent) return void(++(sent.error() == std::errc::timed_out ? gave_up : reset));
    }
  }
  support::procs_scope procs_{GetParam()};
  weft::net::tcp_listener listener_ = weft::net::listen_tcp("127.0.0.1:0").value();
  weft::wait_group server_;
};
INSTANTIATE_TEST_SUITE_P(on, bad_clients, testing::Values(1, 2, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

bool echoes(weft::net::tcp_conn& conn, const std::string& text) {
  std::string back(text.size(), '\0');
  return conn.write(text) && weft::io::read_full(conn, std::as_writable_bytes(std::span(back))) && back == text;
}

TEST_P(bad_clients, disturb_neither_the_server_nor_each_other) {
  constexpr int resetting = 50, good = 20, rounds = 100;
  weft::wait_group all;
  all.go([&] {
    auto conn = dial();
    EXPECT_TRUE(echoes(conn, "s"));
    for (const char* byte : {"l", "o", "w"}) {
      weft::sleep(1s);
      EXPECT_TRUE(echoes(conn, byte));
    }
  });
  all.go([&] {  // never reads: the server's write has to give up
    auto conn = dial();
    const std::string much(1 << 20, 'm');
    conn.set_write_deadline(weft::clock::now() + support::stretched(20s));
    while (conn.write(much)) {
    }
  });
  all.go([&] {
    for (int i = 0; i < resetting; ++i) {
      auto conn = dial();
      EXPECT_TRUE(conn.linger(0s));  // closing it is a reset
      EXPECT_TRUE(conn.write("gone"));
    }
  });
  for (int i = 0; i < good; ++i)
    all.go([&] {
      auto conn = dial();
      for (int n = 0; n < rounds; ++n) EXPECT_TRUE(echoes(conn, "question " + std::to_string(n)));
    });
  all.wait();
  EXPECT_TRUE(support::eventually([&] { return ended + reset + gave_up == 2 + resetting + good; }));
  EXPECT_GE(ended, 1 + good);
  EXPECT_EQ(gave_up, 1);
  EXPECT_GT(reset, 0);
}

}  // namespace
