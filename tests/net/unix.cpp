#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace {

using namespace std::chrono_literals;
using support::read_string;

std::string fresh_path() {
  static int count = 0;
  return testing::TempDir() + "weft-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".sock";
}

class unix_sockets : public support::everywhere {};
WEFT_EVERYWHERE(unix_sockets);

TEST_P(unix_sockets, streams_by_path_and_by_abstract_name) {
  here([this] {
    for (const std::string& name : {fresh_path(), "@weft-test-" + std::to_string(::getpid())}) {
      auto listener = weft::net::listen_unix(name);
      ASSERT_TRUE(listener) << listener.error().message();
      auto peers = crew();
      peers.start([&] {
        auto conn = listener->accept();
        ASSERT_TRUE(conn);
        EXPECT_TRUE(weft::io::copy(*conn, *conn));
      });
      auto client = weft::net::dial_unix(name);
      ASSERT_TRUE(client) << client.error().message();
      EXPECT_EQ(client->remote().path(), name);
      for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(client->write("to and fro"), 10u);
        ASSERT_EQ(read_string(*client), "to and fro");
      }
      client->close();
      peers.join();
    }
  });
}

TEST_P(unix_sockets, a_full_backlog_makes_dialing_wait) {
  here([this] {
    auto listener = weft::net::listen_unix(fresh_path(), {.backlog = 1});
    std::atomic<int> dialed{0};
    auto peers = crew();
    for (int i = 0; i < 6; ++i)
      peers.start([&] {
        auto conn = weft::net::dial_unix(listener->local().path());
        ASSERT_TRUE(conn) << conn.error().message();
        ++dialed;
      });
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(listener->accept());
    peers.join();
    EXPECT_EQ(dialed, 6);
  });
}

TEST(unix_sockets, the_file_goes_with_the_listener) {
  const std::string path = fresh_path();
  {
    auto listener = weft::net::listen_unix(path);
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
    EXPECT_EQ(weft::net::listen_unix(path).error(), std::errc::address_in_use);
    weft::net::unix_listener moved = std::move(*listener);
    listener->close();
    EXPECT_EQ(::access(path.c_str(), F_OK), 0) << "it moved along";
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  const auto refused = weft::net::dial_unix(path);
  EXPECT_EQ(refused.error().message(), "dial " + path + ": No such file or directory");
  EXPECT_EQ(weft::net::dial_unix(std::string(200, 'x')).error(), std::errc::invalid_argument) << "too long";
}

TEST_P(unix_sockets, a_pair_is_connected_and_close_wakes) {
  here([this] {
    auto both = weft::net::unix_pair();
    ASSERT_TRUE(both);
    auto& [a, b] = *both;
    auto peers = crew();
    peers.start([&b = b] {
      std::array<char, 4> buffer;
      EXPECT_EQ(b.read(buffer).error(), std::errc::operation_canceled);
    });
    support::let_others_run();
    b.close();
    peers.join();
    std::array<char, 4> buffer;
    EXPECT_EQ(a.read(buffer), 0u);
  });
}

TEST(unix_sockets, datagrams) {
  const std::string path = fresh_path();
  auto server = weft::net::listen_unix_datagram(path);
  ASSERT_TRUE(server) << server.error().message();
  auto named = weft::net::listen_unix_datagram(fresh_path());
  auto client = weft::net::dial_unix_datagram(path);
  ASSERT_TRUE(client && client->write("anonymous"));
  ASSERT_TRUE(named->write_to("named", server->local()));
  std::array<char, 64> buffer;
  EXPECT_EQ(server->read_from(buffer)->size, 9u);
  const auto got = server->read_from(buffer);
  EXPECT_EQ(got->from, named->local());
  ASSERT_TRUE(server->write_to("answer", got->from));
  EXPECT_EQ(named->read_from(buffer)->size, 6u);
  server->close();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  // A slow receiver makes the sender wait instead of losing anything.
  auto slow = weft::net::listen_unix_datagram(path);
  weft::wait_group done;
  done.go([&] {
    auto sender = weft::net::dial_unix_datagram(path);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(sender->write("x"));
  });
  for (int i = 0; i < 500; ++i) ASSERT_EQ(slow->read_from(buffer)->size, 1u);
  done.wait();
}

TEST(unix_sockets, adopts_one_end_of_a_socketpair) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  auto a = weft::net::unix_conn::adopt(fds[0]), b = weft::net::unix_conn::adopt(fds[1]);
  ASSERT_TRUE(a && b);
  weft::go([&] { (void)b->write("hello"); });
  EXPECT_EQ(read_string(*a), "hello");
}

}  // namespace
