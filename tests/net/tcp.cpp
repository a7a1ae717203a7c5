// TCP connections: reading, writing, deadlines, contexts, close; from goroutines and threads.
#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <array>
#include <atomic>
#include <chrono>
#include <numeric>

namespace {

using namespace std::chrono_literals;
using support::connected;
using support::read_string;

class tcp : public support::everywhere {};
WEFT_EVERYWHERE(tcp);

static_assert(weft::io::reader<weft::net::tcp_conn> && weft::io::writer<weft::net::tcp_conn>);
static_assert(std::is_nothrow_move_constructible_v<weft::net::tcp_conn> && !std::is_copy_constructible_v<weft::net::tcp_conn>);

TEST_P(tcp, what_is_written_is_read_until_the_writer_ends) {
  here([this] {
    auto [client, server] = connected();
    auto peers = crew();
    peers.start([&client = client] {
      for (int i = 0; i < 100; ++i) ASSERT_EQ(client.write("0123456789"), 10u);
      ASSERT_TRUE(client.shutdown_write());
    });
    const auto all = weft::io::read_all(server);
    peers.join();
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 1000u);
    EXPECT_EQ(server.write("the other half still works"), 26u);
    EXPECT_EQ(read_string(client), "the other half still works");
    std::array<char, 8> more;
    EXPECT_EQ(server.read(more), 0u) << "the end stays";
  });
}

TEST_P(tcp, a_thousand_questions_and_answers) {
  here([this] {
    auto [client, server] = connected();
    auto peers = crew();
    peers.start([&server = server] {
      std::array<std::byte, 64> buffer;
      while (auto got = server.read(std::span(buffer))) {
        if (*got == 0) return;
        ASSERT_EQ(server.write(std::span<const std::byte>(buffer.data(), *got)), *got);
      }
    });
    for (int i = 0; i < 1000; ++i) {
      const std::string question = std::to_string(i);
      ASSERT_EQ(client.write(question), question.size());
      ASSERT_EQ(read_string(client, 64), question);
    }
    ASSERT_TRUE(client.shutdown_write());
    peers.join();
  });
}

// Larger than any buffer on the way, so that write waits for the reader many times.
TEST_P(tcp, write_returns_when_all_of_it_is_gone) {
  here([this] {
    auto [client, server] = connected();
    std::string sent(3'000'000, '\0');
    std::iota(sent.begin(), sent.end(), '\0');
    auto peers = crew();
    peers.start([&, &client = client] {
      EXPECT_EQ(client.write(sent), sent.size());
      ASSERT_TRUE(client.shutdown_write());
    });
    const auto got = weft::io::read_all(server);
    peers.join();
    ASSERT_TRUE(got);
    EXPECT_TRUE(*got == sent);
  });
}

TEST_P(tcp, concurrent_writers_are_not_mixed) {
  here([this] {
    auto [client, server] = connected();
    constexpr std::size_t size = 300'000;
    {
      auto peers = crew();
      for (char letter : {'a', 'b', 'c'})
        peers.start([&client = client, letter] { EXPECT_EQ(client.write(std::string(300'000, letter)), 300'000u); });
      std::string got;
      while (got.size() < 3 * size) {
        const std::string some = read_string(server, 65536);
        ASSERT_FALSE(some.empty());
        got += some;
      }
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(got.substr(i * size, size), std::string(size, got[i * size])) << "piece " << i << " is torn";
    }
  });
}

TEST_P(tcp, writev_sends_pieces_in_order) {
  here([] {
    auto [client, server] = connected();
    EXPECT_EQ(client.writev({"one ", "", "two ", "three"}), 13u);
    EXPECT_EQ(read_string(server), "one two three");
    std::vector<std::span<const std::byte>> none;
    EXPECT_EQ(client.writev(none), 0u);
    const std::string piece(700, 'x');
    std::vector<std::span<const std::byte>> many(3000, std::as_bytes(std::span(piece)));  // more than one call takes
    weft::wait_group done;
    done.go([&, &client = client] { EXPECT_EQ(client.writev(many), 2'100'000u); });
    std::size_t total = 0;
    while (total < 2'100'000) total += read_string(server, 65536).size();
    done.wait();
    EXPECT_EQ(total, 2'100'000u);
  });
}

TEST_P(tcp, a_deadline_ends_read_write_and_accept) {
  here([] {
    auto [client, server] = connected();
    const std::string much(1 << 24, 'x');
    server.set_deadline(weft::clock::now() + 3ms);
    std::array<char, 8> buffer;
    auto got = server.read(buffer);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), std::errc::timed_out);
    EXPECT_EQ(got.error().message(), "read " + server.remote().to_string() + ": Connection timed out");
    const auto sent = server.write(much);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error(), std::errc::timed_out);
    EXPECT_EQ(client.write("some"), 4u);
    client.set_write_deadline(weft::clock::now() + 3ms);
    EXPECT_EQ(client.write(much).error(), std::errc::timed_out) << "nobody reads";
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    listener->set_read_deadline(weft::clock::now() + 3ms);
    EXPECT_EQ(listener->accept().error(), std::errc::timed_out);
    server.set_deadline(weft::clock::time_point::max());
    client.set_deadline(weft::clock::time_point::max());
    EXPECT_FALSE(read_string(server).empty()) << "without a deadline it goes on";
  });
}

TEST_P(tcp, a_deadline_set_by_another_wakes_a_blocked_read) {
  here([this] {
    auto [client, server] = connected();
    std::atomic<bool> ended{false};
    auto peers = crew();
    peers.start([&, &server = server] {
      std::array<char, 8> buffer;
      EXPECT_EQ(server.read(buffer).error(), std::errc::timed_out);
      ended = true;
    });
    support::let_others_run();
    EXPECT_FALSE(ended);
    server.set_read_deadline(weft::clock::now());
    peers.join();
    server.set_read_deadline(weft::clock::now() + 1h);
    EXPECT_EQ(client.write("later"), 5u);
    EXPECT_EQ(read_string(server), "later");
  });
}

TEST_P(tcp, close_wakes_blocked_calls) {
  here([this] {
    auto [client, server] = connected();
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    const std::string where = listener->local().to_string();
    std::atomic<int> cancelled{0};
    auto peers = crew();
    peers.start([&, &server = server] {
      std::array<char, 8> buffer;
      cancelled += server.read(buffer).error() == std::errc::operation_canceled;
    });
    peers.start([&, &server = server] { cancelled += server.write(std::string(1 << 24, 'x')).error() == std::errc::operation_canceled; });
    peers.start([&] {
      const auto accepted = listener->accept();
      EXPECT_EQ(accepted.error().message(), "accept " + where + ": Operation canceled");
      cancelled += accepted.error() == std::errc::operation_canceled;
    });
    support::let_others_run(300);
    server.close();
    listener->close();
    peers.join();
    EXPECT_EQ(cancelled, 3);
    server.close();
    std::array<char, 8> buffer;
    EXPECT_EQ(server.read(buffer).error(), std::errc::operation_canceled);
    EXPECT_EQ(server.write("x").error(), std::errc::operation_canceled);
    EXPECT_EQ(server.native_handle(), -1);
    EXPECT_TRUE(support::eventually([&] { return !weft::net::dial_tcp(where); })) << "it still listens";  // io_uring lets go late
  });
}

TEST_P(tcp, a_context_ends_read_write_and_accept) {
  here([this] {
    auto [client, server] = connected();
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    auto ctx = weft::with_cancel(weft::background());
    std::atomic<int> ended{0};
    auto peers = crew();
    peers.start([&, &server = server] {
      std::array<char, 8> buffer;
      ended += server.read(ctx, buffer).error() == std::errc::operation_canceled;
    });
    peers.start([&, &server = server] { ended += server.write(ctx, std::string(1 << 24, 'x')).error() == std::errc::operation_canceled; });
    peers.start([&] { ended += listener->accept(ctx).error() == std::errc::operation_canceled; });
    support::let_others_run(300);
    ctx.cancel();
    peers.join();
    EXPECT_EQ(ended, 3);
    auto late = weft::with_timeout(weft::background(), 2ms);
    std::array<char, 8> buffer;
    EXPECT_EQ(server.read(late, buffer).error(), std::errc::timed_out);
    EXPECT_EQ(client.write("alive"), 5u);
    EXPECT_EQ(server.read(buffer), 5u) << "the connection is as it was";
  });
}

TEST_P(tcp, many_accept_from_one_listener) {
  here([this] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    std::atomic<int> accepted{0};
    auto peers = crew();
    for (int i = 0; i < 4; ++i)
      peers.start([&] {
        while (auto conn = listener->accept()) {
          ++accepted;
          EXPECT_EQ(conn->write("hi"), 2u);
        }
      });
    for (int i = 0; i < 40; ++i) {
      auto conn = weft::net::dial_tcp(listener->local().to_string());
      ASSERT_TRUE(conn) << conn.error().message();
      EXPECT_EQ(read_string(*conn), "hi");
    }
    listener->close();
    peers.join();
    EXPECT_EQ(accepted, 40);
  });
}

TEST_P(tcp, a_client_that_sends_a_byte_at_a_time_is_served_byte_by_byte) {
  here([this] {
    auto [client, server] = connected();
    auto peers = crew();
    peers.start([&client = client] {
      for (char c = 'a'; c <= 'z'; ++c) {
        weft::sleep(1ms);
        ASSERT_EQ(client.write(std::string_view(&c, 1)), 1u);
      }
      ASSERT_TRUE(client.shutdown_write());
    });
    EXPECT_EQ(weft::io::read_all(server), "abcdefghijklmnopqrstuvwxyz");
    peers.join();
  });
}

TEST(tcp, buffered_lines_work_over_a_connection) {
  auto [client, server] = connected();
  ASSERT_TRUE(client.write("first\r\nsecond\nlast"));
  ASSERT_TRUE(client.shutdown_write());
  weft::io::buffered_reader in(server);
  EXPECT_EQ(in.read_line(), "first");
  EXPECT_EQ(in.read_line(), "second");
  EXPECT_EQ(in.read_line(), "last");
  EXPECT_EQ(in.read_line().error(), weft::io::errc::end_of_stream);
}

TEST(tcp, empty_spans_move_nothing_and_do_not_wait) {
  auto [client, server] = connected();
  EXPECT_EQ(server.read(std::span<char>()), 0u);
  EXPECT_EQ(client.write(""), 0u);
}

}  // namespace
