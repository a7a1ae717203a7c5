// How connections begin and end: addresses, options, adoption, resets, SIGPIPE, moved-from and leaked sockets.
#include "net/pairs.h"
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

namespace {

using namespace std::chrono_literals;
using support::connected;
using support::read_string;

TEST(tcp_ends, both_sides_know_both_addresses) {
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    auto [client, server] = connected(host);
    EXPECT_EQ(client.local(), server.remote());
    EXPECT_EQ(client.remote(), server.local());
    EXPECT_TRUE(client.remote().is_loopback());
    EXPECT_NE(client.local().port(), 0);
  }
}

TEST(tcp_ends, a_listener_on_all_interfaces_takes_both_families_and_shows_ipv4_as_ipv4) {
  auto listener = weft::net::listen_tcp(":0");
  ASSERT_TRUE(listener) << listener.error().message();
  const std::string port = std::to_string(listener->local().port());
  auto four = weft::net::dial_tcp("127.0.0.1:" + port), six = weft::net::dial_tcp("[::1]:" + port);
  ASSERT_TRUE(four && six);
  EXPECT_TRUE(listener->accept()->remote().is_ipv4());
  EXPECT_TRUE(listener->accept()->remote().is_ipv6());
}

TEST(tcp_ends, errors_say_what_failed_and_where) {
  auto taken = weft::net::listen_tcp("127.0.0.1:0");
  const std::string where = taken->local().to_string();
  const auto again = weft::net::listen_tcp(where);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), std::errc::address_in_use);
  EXPECT_EQ(again.error().message(), "listen " + where + ": Address already in use");
  taken->close();
  const auto refused = weft::net::dial_tcp(where);
  EXPECT_EQ(refused.error(), std::errc::connection_refused);
  EXPECT_EQ(refused.error().message(), "dial " + where + ": Connection refused");
  EXPECT_EQ(weft::net::listen_tcp("nonsense").error(), std::errc::invalid_argument);
  EXPECT_EQ(weft::net::listen_tcp("::1:80").error(), std::errc::invalid_argument);
  EXPECT_EQ(weft::net::listen_tcp("127.0.0.1:no-such-service").error(), std::errc::invalid_argument);
}

TEST(tcp_ends, options_reach_the_kernel) {
  auto [client, server] = connected();
  EXPECT_EQ(client.get_option(IPPROTO_TCP, TCP_NODELAY), 1) << "small writes go out at once";
  EXPECT_EQ(server.get_option(IPPROTO_TCP, TCP_NODELAY), 1) << "inherited from the listener";
  EXPECT_EQ(server.get_option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(server.get_option(IPPROTO_TCP, TCP_KEEPIDLE), 15);
  ASSERT_TRUE(client.no_delay(false));
  EXPECT_EQ(client.get_option(IPPROTO_TCP, TCP_NODELAY), 0);
  ASSERT_TRUE(client.keep_alive({.idle = 20s, .interval = 3s, .probes = 4}));
  EXPECT_EQ(client.get_option(IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(client.get_option(IPPROTO_TCP, TCP_KEEPINTVL), 3);
  ASSERT_TRUE(client.keep_alive(false));
  EXPECT_EQ(client.get_option(SOL_SOCKET, SO_KEEPALIVE), 0);
  ASSERT_TRUE(client.receive_buffer(65536));
  EXPECT_GE(*client.get_option(SOL_SOCKET, SO_RCVBUF), 65536);
  EXPECT_GT(client.native_handle(), 2);
  client.close();
  EXPECT_EQ(client.no_delay(true).error(), std::errc::operation_canceled);
  EXPECT_FALSE(client.get_option(IPPROTO_TCP, TCP_NODELAY));
}

TEST(tcp_ends, reuse_port_lets_several_listeners_share) {
  auto first = weft::net::listen_tcp("127.0.0.1:0", {.reuse_port = true});
  const std::string where = first->local().to_string();
  auto second = weft::net::listen_tcp(where, {.backlog = 4, .reuse_port = true});
  ASSERT_TRUE(second) << second.error().message();
  weft::chan<int> served(64);
  weft::wait_group servers;
  for (auto* each : {&*first, &*second})
    servers.go([each, served, id = each == &*first ? 1 : 2] {
      while (auto conn = each->accept()) served.send(id);
    });
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(weft::net::dial_tcp(where));
  std::array<int, 3> by{};
  for (int i = 0; i < 40; ++i) ++by[static_cast<std::size_t>(*served.recv())];
  EXPECT_GT(by[1], 0);
  EXPECT_GT(by[2], 0);
  first->close();
  second->close();
  servers.wait();
}

TEST(tcp_ends, descriptors_from_elsewhere_are_adopted) {
  int fds[2];
  auto listener = weft::net::listen_tcp("127.0.0.1:0");
  const int raw = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(listener->local().port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(raw, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  auto conn = weft::net::tcp_conn::adopt(raw);
  ASSERT_TRUE(conn) << conn.error().message();
  auto peer = listener->accept();
  weft::go([&] { (void)peer->write("adopted"); });
  EXPECT_EQ(read_string(*conn), "adopted") << "it waits, though the descriptor was a blocking one";
  EXPECT_EQ(conn->native_handle(), raw);

  const int listening = ::dup(listener->native_handle());
  auto same = weft::net::tcp_listener::adopt(listening);
  ASSERT_TRUE(same);
  ASSERT_TRUE(weft::net::dial_tcp(same->local().to_string()));
  EXPECT_TRUE(same->accept());

  ASSERT_EQ(::pipe(fds), 0);
  const std::string name = "adopt descriptor " + std::to_string(fds[0]);
  EXPECT_EQ(weft::net::tcp_conn::adopt(fds[0]).error().message(), name + ": Socket operation on non-socket");
  EXPECT_EQ(weft::net::tcp_listener::adopt(fds[0]).error().message(), name + " (not a listener): Invalid argument");
  EXPECT_EQ(weft::net::udp_socket::adopt(fds[0]).error().message(),
            name + " (not a socket of this kind): Invalid argument");
  // What a short read proves of TCP it does not prove of Unix sockets.
  auto elsewhere = weft::net::listen_unix("@weft-adopt-" + std::to_string(::getpid()));
  ASSERT_TRUE(elsewhere) << elsewhere.error().message();
  auto unix_end = weft::net::dial_unix(elsewhere->local().to_string());
  ASSERT_TRUE(unix_end) << unix_end.error().message();
  for (const bool is_listener : {false, true}) {
    const int fd = is_listener ? elsewhere->native_handle() : unix_end->native_handle();
    const auto refused = is_listener ? weft::net::tcp_listener::adopt(fd).error() : weft::net::tcp_conn::adopt(fd).error();
    EXPECT_EQ(refused.message(),
              "adopt descriptor " + std::to_string(fd) + " (not a socket of this kind): Invalid argument");
  }
  EXPECT_EQ(::close(fds[0]), 0) << "a refused descriptor stays the caller's";
  ::close(fds[1]);
}

TEST(tcp_ends, a_reset_is_an_error_of_read_and_names_the_peer) {
  auto [client, server] = connected();
  ASSERT_TRUE(client.linger(0s));
  client.close();
  std::array<char, 8> buffer;
  const auto got = server.read(buffer);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), std::errc::connection_reset);
  EXPECT_EQ(got.error().message(), "read " + server.remote().to_string() + ": Connection reset by peer");
}

TEST(tcp_ends, a_moved_from_socket_answers_with_errors) {
  auto [client, server] = connected();
  weft::net::tcp_conn taken = std::move(client);
  std::array<char, 8> buffer;
  EXPECT_EQ(client.read(buffer).error(), std::errc::bad_file_descriptor);  // NOLINT: what is promised for this case
  EXPECT_FALSE(client.write("x"));
  EXPECT_FALSE(client.shutdown_write());
  client.close();
  client.set_deadline(weft::clock::now());
  EXPECT_EQ(client.native_handle(), -1);
  EXPECT_EQ(client.local().to_string(), "");
  EXPECT_EQ(taken.write("x"), 1u);
  weft::net::tcp_conn none;
  EXPECT_FALSE(none.read(buffer));
  taken = std::move(none);
  EXPECT_EQ(server.read(buffer), 1u);
  EXPECT_EQ(server.read(buffer), 0u) << "what was moved over was closed";
}

WEFT_CHILD(writes_to_a_peer_that_has_gone) {
  ::signal(SIGPIPE, SIG_DFL);
  return weft::run([] {
    auto [client, server] = connected();
    (void)server.linger(0s);
    server.close();
    weft::result<std::size_t> sent = 0;
    for (int i = 0; i < 100 && sent; ++i) sent = client.write(std::string(100'000, 'x'));
    if (sent) return 1;
    auto vector = client.writev({"a", "b"});
    const auto copied = [&client = client] {
      auto [a, b] = connected();
      (void)a.write(std::string(200'000, 'x'));
      a.close();
      return weft::io::copy(client, b);
    }();
    return vector || copied ? 2 : 0;
  });
}

TEST(tcp_ends, a_broken_connection_is_an_error_and_never_a_sigpipe) {
  const auto child = support::run_child("writes_to_a_peer_that_has_gone");
  EXPECT_EQ(child.signal, 0) << child;
  EXPECT_EQ(child.exit_status, 0) << child;
}

TEST(tcp_ends, nothing_stays_open) {
  for (int i = 0; i < 200; ++i) {
    auto [client, server] = connected();
    if (i % 2) client.close();
    if (i % 3) {
      ASSERT_TRUE(server.linger(0s));
    }
    (void)weft::net::dial_tcp("127.0.0.1:1", {.timeout = 1s});
  }
  EXPECT_TRUE(support::sockets_come_to(0));
}

// Connect and close as fast as it goes, from many sides.
TEST(tcp_ends, a_storm_of_connections_leaves_nothing_behind) {
  for (int procs : {1, 2, 8}) {
    support::procs_scope scope(procs);
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    std::atomic<int> served{0};
    weft::wait_group servers, clients;
    for (int i = 0; i < 3; ++i)
      servers.go([&] {
        while (auto conn = listener->accept()) ++served;
      });
    for (int i = 0; i < 20; ++i)
      clients.go([&] {
        for (int k = 0; k < 30; ++k) {
          auto conn = weft::net::dial_tcp(listener->local().to_string());
          ASSERT_TRUE(conn) << conn.error().message();
          if (k % 2) (void)conn->linger(0s);  // or the ports run out in TIME_WAIT
        }
      });
    clients.wait();
    EXPECT_TRUE(support::eventually([&] { return served >= 300; }));  // a reset may take one out of the backlog
    EXPECT_TRUE(support::sockets_come_to(1));
    listener->close();
    servers.wait();
  }
}

}  // namespace
