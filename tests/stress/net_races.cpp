// Deadlines against data, close against read and write, contexts against both: whoever comes first, nothing is lost, nothing
// hangs, and the outcome is one of those that are possible.
#include "net/pairs.h"
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/detail/pause.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

namespace {

using namespace std::chrono_literals;
using support::connected;

class net_races : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs{GetParam()};
  // At least a thousand times, and for as long as the run lasts.
  template <class F>
  void repeat(F f) {
    support::stress_run run;
    auto random = run.generator();
    int rounds = 0;
    while (rounds < 1000 || run.more()) {
      f(random);
      ++rounds;
      if (testing::Test::HasFatalFailure()) return;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(on, net_races, testing::Values(1, 2, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

void spin(int steps) {
  for (int i = 0; i < steps / 16; ++i) weft::base::pause();
}

TEST_P(net_races, deadline_against_data) {
  auto [client, server] = connected();
  repeat([&, &client = client, &server = server](auto& random) {
    weft::wait_group both;
    const int delay_us = random.below(60), work = random.below(3000);
    std::array<char, 8> buffer;
    both.go([&] {
      spin(work);
      ASSERT_EQ(client.write("x"), 1u);
    });
    server.set_read_deadline(weft::clock::now() + std::chrono::microseconds(delay_us));
    auto got = server.read(buffer);
    both.wait();
    if (!got) {
      ASSERT_EQ(got.error(), std::errc::timed_out);
      server.set_read_deadline(weft::clock::time_point::max());
      got = server.read(buffer);  // the byte was not lost
    }
    ASSERT_EQ(got, 1u);
  });
}

TEST_P(net_races, deadlines_set_by_many_against_a_reader) {
  auto [client, server] = connected();
  repeat([&, &client = client, &server = server](auto& random) {
    weft::wait_group all;
    std::array<char, 8> buffer;
    for (int i = 0; i < 3; ++i)
      all.go([&server, delay = random.below(100)] {
        server.set_read_deadline(weft::clock::now() + std::chrono::microseconds(delay));
        server.set_read_deadline(weft::clock::time_point::max());
        server.set_read_deadline(weft::clock::now() + 20ms);
      });
    all.go([&] { (void)client.write("x"); });
    while (true) {
      const auto got = server.read(buffer);
      if (got) break;
      ASSERT_EQ(got.error(), std::errc::timed_out);
      server.set_read_deadline(weft::clock::time_point::max());
    }
    all.wait();
    server.set_read_deadline(weft::clock::time_point::max());
  });
}

TEST_P(net_races, close_against_read_write_and_the_peer) {
  auto listener = weft::net::listen_tcp("127.0.0.1:0");
  repeat([&](auto& random) {
    auto client = std::make_unique<weft::net::tcp_conn>(*weft::net::dial_tcp(listener->local().to_string()));
    auto server = *listener->accept();
    (void)client->linger(0s);
    weft::wait_group all;
    const int work = random.below(4000);
    const auto is_expected = [](const auto& outcome) {
      return outcome || outcome.error() == std::errc::operation_canceled || outcome.error() == std::errc::connection_reset ||
             outcome.error() == std::errc::broken_pipe;
    };
    all.go([&] {
      std::array<char, 8> buffer;
      const auto got = server.read(buffer);
      EXPECT_TRUE(is_expected(got)) << got.error().message();
    });
    all.go([&] {
      std::array<char, 8> buffer;
      const auto got = server.read(buffer);  // takes turns with the other
      EXPECT_TRUE(is_expected(got)) << got.error().message();
    });
    all.go([&, size = static_cast<std::size_t>(random.below(100'000))] {
      const auto sent = server.write(std::string(size, 'x'));
      EXPECT_TRUE(is_expected(sent)) << sent.error().message();
    });
    all.go([&] {
      spin(work);
      if (work % 2) server.close();
      else client.reset();
    });
    if (work % 3 == 0) spin(random.below(2000)), server.close();
    all.wait();
  });
  listener->close();
  EXPECT_TRUE(support::sockets_come_to(0));
}

TEST_P(net_races, context_against_data_and_close) {
  auto both = weft::net::unix_pair();
  auto& [client, server] = *both;
  repeat([&, &client = client, &server = server](auto& random) {
    auto ctx = weft::with_cancel(weft::background());
    weft::wait_group all;
    std::array<char, 8> buffer;
    const int first = random.below(3000), second = random.below(3000);
    all.go([&] {
      spin(first);
      ASSERT_EQ(client.write("x"), 1u);
    });
    all.go([&] {
      spin(second);
      ctx.cancel();
    });
    auto got = server.read(ctx, buffer);
    all.wait();
    if (!got) {
      ASSERT_EQ(got.error(), std::errc::operation_canceled);
      got = server.read(buffer);
    }
    ASSERT_EQ(got, 1u);
  });
}

TEST_P(net_races, accept_against_close_and_dialers) {
  repeat([&](auto& random) {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    const std::string where = listener->local().to_string();
    weft::wait_group all;
    for (int i = 0; i < 2; ++i)
      all.go([&] {
        while (auto conn = listener->accept()) (void)conn->linger(0s);
      });
    all.go([&] {
      auto conn = weft::net::dial_tcp(where);
      if (conn) (void)conn->linger(0s);
    });
    spin(random.below(3000));
    listener->close();
    all.wait();
  });
}

}  // namespace
