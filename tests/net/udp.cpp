#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <array>
#include <chrono>

namespace {

using namespace std::chrono_literals;

class udp : public support::everywhere {};
WEFT_EVERYWHERE(udp);

TEST_P(udp, datagrams_keep_their_borders_and_name_their_sender) {
  here([this] {
    auto server = weft::net::listen_udp("127.0.0.1:0");
    ASSERT_TRUE(server) << server.error().message();
    auto peers = crew();
    peers.start([&] {
      std::array<char, 1500> buffer;
      for (int i = 0; i < 100; ++i) {
        auto got = server->read_from(buffer);
        ASSERT_TRUE(got);
        ASSERT_EQ(server->write_to(std::string_view(buffer.data(), got->size), got->from), got->size);
      }
    });
    auto client = weft::net::dial_udp(server->local().to_string());
    ASSERT_TRUE(client);
    EXPECT_EQ(client->remote(), server->local());
    std::array<char, 1500> buffer;
    for (std::size_t size = 0; size < 100; ++size) {
      ASSERT_EQ(client->write(std::string(size, 'x')), size);
      ASSERT_EQ(client->read(buffer), size);
    }
    peers.join();
  });
}

TEST_P(udp, deadline_context_and_close_end_a_read) {
  here([this] {
    auto socket = weft::net::listen_udp("[::1]:0");
    ASSERT_TRUE(socket) << socket.error().message();
    std::array<char, 10> buffer;
    socket->set_deadline(weft::clock::now() + 2ms);
    const auto late = socket->read_from(buffer);
    EXPECT_EQ(late.error(), std::errc::timed_out);
    EXPECT_EQ(late.error().message(), "read " + socket->local().to_string() + ": Connection timed out");
    socket->set_deadline(weft::clock::time_point::max());
    auto ctx = weft::with_timeout(weft::background(), 2ms);
    EXPECT_EQ(socket->read_from(ctx, buffer).error(), std::errc::timed_out);
    auto peers = crew();
    peers.start([&] {
      std::array<char, 10> mine;
      EXPECT_EQ(socket->read_from(mine).error(), std::errc::operation_canceled);
    });
    support::let_others_run();
    socket->close();
    peers.join();
  });
}

TEST(udp, a_cut_off_datagram_says_so) {
  auto a = weft::net::listen_udp("127.0.0.1:0"), b = weft::net::listen_udp("127.0.0.1:0");
  ASSERT_TRUE(a->write_to("0123456789", b->local()));
  std::array<char, 4> small;
  const auto got = b->read_from(small);
  EXPECT_EQ(got->size, 4u);
  EXPECT_TRUE(got->is_truncated);
  EXPECT_EQ(got->from, a->local());
}

TEST(udp, a_socket_on_all_interfaces_talks_to_both_families) {
  auto all = weft::net::listen_udp(":0");
  ASSERT_TRUE(all) << all.error().message();
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    auto one = weft::net::listen_udp(std::string(host) + ":0");
    const auto to = weft::net::address::parse(std::string(host) + ":" + std::to_string(all->local().port()));
    ASSERT_TRUE(one->write_to("ping", *to));
    std::array<char, 10> buffer;
    const auto got = all->read_from(buffer);
    ASSERT_EQ(got->from, one->local());
    ASSERT_TRUE(all->write_to("pong", got->from)) << host;
    EXPECT_EQ(one->read_from(buffer)->size, 4u);
  }
}

TEST(udp, a_refused_datagram_comes_back_as_an_error_of_the_connected_socket) {
  std::string nobody;
  {
    auto gone = weft::net::listen_udp("127.0.0.1:0");
    nobody = gone->local().to_string();
  }
  auto client = weft::net::dial_udp(nobody);
  ASSERT_TRUE(client->write("x"));
  std::array<char, 10> buffer;
  EXPECT_EQ(client->read(buffer).error(), std::errc::connection_refused);
}

TEST(udp, groups_are_joined_and_left) {
  auto socket = weft::net::listen_udp(":0");
  EXPECT_EQ(socket->join_group(*weft::net::address::parse("10.0.0.1")).error(), std::errc::invalid_argument);
  EXPECT_TRUE(socket->broadcast(true));
  auto four = weft::net::listen_udp("0.0.0.0:0", {.reuse_port = true});
  const auto group = *weft::net::address::parse("239.1.2.3");
  if (auto joined = four->join_group(group); !joined) GTEST_SKIP() << joined.error().message();
  EXPECT_TRUE(four->leave_group(group));
  EXPECT_FALSE(four->leave_group(group));
}

}  // namespace
