#include "net/dial.h"
#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <sys/socket.h>

#include <chrono>

namespace {

using namespace std::chrono_literals;

class dialing : public support::everywhere {};
WEFT_EVERYWHERE(dialing);

// A listener whose backlog is full leaves the next dialers without an answer.
struct deaf_listener {
  deaf_listener() : listener(*weft::net::listen_tcp("127.0.0.1:0", {.backlog = 1})) {
    for (int unanswered = 0; unanswered < 3;) {  // on a busy machine one alone proves nothing
      auto conn = weft::net::dial_tcp(where(), {.timeout = 10ms});
      if (conn) taken.push_back(std::move(*conn));
      else ++unanswered;
    }
  }
  std::string where() const { return listener.local().to_string(); }
  weft::net::tcp_listener listener;
  std::vector<weft::net::tcp_conn> taken;
};

TEST_P(dialing, a_timeout_and_a_context_end_it) {
  here([] {
    deaf_listener deaf;
    const auto before = weft::clock::now();
    const auto late = weft::net::dial_tcp(deaf.where(), {.timeout = 5ms});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error(), std::errc::timed_out);
    EXPECT_EQ(late.error().message(), "dial " + deaf.where() + ": Connection timed out");
    auto ctx = weft::with_cancel(weft::background());
    weft::wait_group canceller;
    canceller.go([&] { ctx.cancel(); });
    EXPECT_EQ(weft::net::dial_tcp(ctx, deaf.where()).error(), std::errc::operation_canceled);
    canceller.wait();
    EXPECT_LT(weft::clock::now() - before, 2s);
  });
}

// "localhost" has ::1 and 127.0.0.1; only one of them listens. The race finds it whichever comes first.
TEST_P(dialing, the_family_that_answers_wins) {
  here([] {
    const auto found = weft::net::resolve(weft::background(), "localhost");
    ASSERT_TRUE(found);
    for (const char* host : {"127.0.0.1", "[::1]"}) {
      const bool is_known = std::any_of(found->begin(), found->end(), [&](const auto& a) {
        return a.is_ipv4() == (std::string_view(host) == "127.0.0.1");
      });
      if (!is_known) continue;
      auto listener = weft::net::listen_tcp(std::string(host) + ":0");
      ASSERT_TRUE(listener) << listener.error().message();
      auto conn = weft::net::dial_tcp("localhost:" + std::to_string(listener->local().port()));
      ASSERT_TRUE(conn) << conn.error().message();
      EXPECT_EQ(conn->remote(), listener->local());
    }
  });
}

TEST(dialing, when_all_fail_the_first_error_is_told) {
  std::string port;
  {
    auto gone = weft::net::listen_tcp("127.0.0.1:0");
    port = std::to_string(gone->local().port());
  }
  const auto refused = weft::net::dial_tcp("localhost:" + port);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::connection_refused);
}

TEST(dialing, from_a_chosen_address) {
  auto listener = weft::net::listen_tcp("127.0.0.1:0");
  auto conn = weft::net::dial_tcp(listener->local().to_string(), {.local = *weft::net::address::parse("127.0.0.2")});
  ASSERT_TRUE(conn) << conn.error().message();
  EXPECT_EQ(listener->accept()->remote().host(), "127.0.0.2");
}

// RFC 8305, 4: as the resolver has them, the families in turns.
TEST(dialing, families_take_turns) {
  const auto a = [](const char* text) { return *weft::net::address::parse(text); };
  const std::vector found{a("::1"), a("::2"), a("::3"), a("10.0.0.1"), a("10.0.0.2")};
  const std::vector wanted{a("::1"), a("10.0.0.1"), a("::2"), a("10.0.0.2"), a("::3")};
  EXPECT_EQ(weft::net::tcp_dialer::in_turns(found), wanted);
}

TEST_P(dialing, a_silent_address_is_overtaken_after_the_stagger) {
  here([] {
    deaf_listener deaf;
    auto other = weft::net::listen_tcp("[::1]:0");
    const auto before = weft::clock::now();
    auto conn = weft::net::tcp_dialer::race(weft::background(), {deaf.listener.local(), other->local()}, {.stagger = 10ms});
    ASSERT_TRUE(conn) << conn.error().message();
    EXPECT_EQ(conn->remote(), other->local());
    EXPECT_GE(weft::clock::now() - before, 10ms) << "the first one had no chance";
  });
}

TEST_P(dialing, a_refusal_starts_the_next_at_once_and_the_first_error_is_told) {
  here([] {
    std::vector<weft::net::address> nobody;
    for (const char* host : {"127.0.0.1:0", "[::1]:0"}) nobody.push_back(weft::net::listen_tcp(host)->local());
    auto there = weft::net::listen_tcp("127.0.0.1:0");
    const auto before = weft::clock::now();
    EXPECT_TRUE(weft::net::tcp_dialer::race(weft::background(), {nobody[0], nobody[1], there->local()}, {.stagger = 60s}));
    const auto refused = weft::net::tcp_dialer::race(weft::background(), nobody, {.stagger = 60s});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "dial " + nobody[0].to_string() + ": Connection refused");
    EXPECT_LT(weft::clock::now() - before, 30s);
  });
}

TEST_P(dialing, the_losers_of_a_race_are_closed) {
  here([] {
    deaf_listener deaf;
    auto there = weft::net::listen_tcp("127.0.0.1:0");
    for (int i = 0; i < 20; ++i) {
      auto conn = weft::net::tcp_dialer::race(weft::background(), {deaf.listener.local(), there->local(), there->local()},
                                              {.stagger = std::chrono::microseconds(100)});
      ASSERT_TRUE(conn);
    }
    EXPECT_TRUE(support::sockets_come_to(2 + static_cast<int>(deaf.taken.size())));
  });
}

TEST_P(dialing, a_context_ends_a_race) {
  here([] {
    deaf_listener one, two;
    auto ctx = weft::with_timeout(weft::background(), 10ms);
    const std::vector targets{one.listener.local(), two.listener.local()};
    EXPECT_EQ(weft::net::tcp_dialer::race(ctx, targets, {.stagger = 1ms}).error(), std::errc::timed_out);
  });
}

}  // namespace
