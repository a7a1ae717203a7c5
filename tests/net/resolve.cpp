#include "net/pairs.h"
#include "support/everywhere.h"

#include <chrono>

namespace {

using namespace std::chrono_literals;
using weft::net::resolve;

class names : public support::everywhere {};
WEFT_EVERYWHERE(names);

TEST_P(names, localhost_and_numbers_are_found) {
  here([] {
    const auto found = resolve(weft::background(), "localhost");
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_FALSE(found->empty());
    for (const auto& each : *found) EXPECT_TRUE(each.is_loopback()) << each;
    EXPECT_EQ(resolve(weft::background(), "10.1.2.3")->front().to_string(), "10.1.2.3:0");
    EXPECT_EQ(resolve(weft::background(), "::1")->front().to_string(), "[::1]:0");
    auto listener = weft::net::listen_tcp("localhost:0");
    ASSERT_TRUE(listener) << listener.error().message();
    EXPECT_TRUE(weft::net::dial_tcp("localhost:" + std::to_string(listener->local().port())));
  });
}

TEST_P(names, a_cancelled_caller_returns_at_once) {
  here([] {
    auto ctx = weft::with_cancel(weft::background());
    ctx.cancel();
    EXPECT_EQ(resolve(ctx, "localhost").error(), std::errc::operation_canceled);
    auto soon = weft::with_timeout(weft::background(), 1ms);
    const auto before = weft::clock::now();
    // Whatever the resolver does with it, the caller is back: with a time-out, or with what the resolver found out.
    const auto found = resolve(soon, "slow-name-server.invalid");
    EXPECT_FALSE(found);
    EXPECT_LT(weft::clock::now() - before, 2s);
  });
}

TEST(names, what_is_not_there_is_an_error_with_the_name_in_it) {
  const auto found = resolve(weft::background(), "no-such-host.invalid");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message().find("resolve no-such-host.invalid: "), 0u) << found.error().message();
  EXPECT_FALSE(resolve(weft::background(), ""));
  const auto dialed = weft::net::dial_tcp("no-such-host.invalid:80", {.timeout = 20s});
  EXPECT_EQ(dialed.error().message().find("dial no-such-host.invalid:80: "), 0u) << dialed.error().message();
  const std::error_code missing = weft::net::name_errc::not_found;
  EXPECT_EQ(missing, std::errc::no_such_device_or_address);
  EXPECT_EQ(missing.message(), "no such host");
}

TEST(names, services_have_ports) {
  const auto refused = weft::net::dial_tcp("127.0.0.1:http", {.timeout = 1s});
  if (refused) GTEST_SKIP() << "somebody listens on port 80";
  if (refused.error() == std::errc::invalid_argument) GTEST_SKIP() << "no /etc/services here";
  EXPECT_EQ(refused.error().message(), "dial 127.0.0.1:80: Connection refused");
}

}  // namespace
