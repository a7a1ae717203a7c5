#include "net/pairs.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <chrono>
#include <cstring>

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

// A resolver that does not answer, however long it is asked: ours stands before the C library's for one name.
class silent_resolver {
 public:
  static constexpr const char* name = "silent.test";
  silent_resolver() { instance = this; }
  ~silent_resolver() {
    answer();
    EXPECT_TRUE(support::eventually([&] { return asked_ == 0; }));
    instance = nullptr;
  }
  silent_resolver(const silent_resolver&) = delete;
  silent_resolver& operator=(const silent_resolver&) = delete;

  int ask() {
    ++asked_;
    is_answering_.wait(false);
    --asked_;
    return EAI_NONAME;
  }
  void answer() {
    is_answering_ = true;
    is_answering_.notify_all();
  }
  int asked() const { return asked_; }
  static inline std::atomic<silent_resolver*> instance{nullptr};

 private:
  std::atomic<int> asked_{0};
  std::atomic<bool> is_answering_{false};
};

TEST_P(names, a_lookup_under_way_holds_neither_its_caller_nor_others) {
  here([this] {
    silent_resolver resolver;
    auto ctx = weft::with_cancel(weft::background());
    auto peers = crew();
    peers.start([&] {
      const auto found = resolve(ctx, silent_resolver::name);
      EXPECT_EQ(found.error(), std::errc::operation_canceled);
      EXPECT_EQ(found.error().message(), "resolve silent.test: Operation canceled");
    });
    ASSERT_TRUE(support::eventually([&] { return resolver.asked() == 1; }));
    EXPECT_TRUE(resolve(weft::background(), "localhost")) << "another lookup, beside it";
    ctx.cancel();
    peers.join();
    EXPECT_EQ(resolver.asked(), 1) << "it goes on, unobserved";
  });
}

TEST(names, no_more_lookups_than_64_at_a_time_and_a_context_ends_the_wait_for_a_turn) {
  silent_resolver resolver;
  auto all = weft::with_cancel(weft::background());
  support::crew askers;
  for (int i = 0; i < 70; ++i) askers.start([&] { EXPECT_FALSE(resolve(all, silent_resolver::name)); });
  ASSERT_TRUE(support::eventually([&] { return resolver.asked() == 64; }));
  auto soon = weft::with_timeout(weft::background(), 5ms);
  EXPECT_EQ(resolve(soon, "localhost").error(), std::errc::timed_out);
  EXPECT_EQ(weft::net::dial_tcp("silent.test:80", {.timeout = 5ms}).error().message(),
            "dial silent.test:80: Connection timed out");
  EXPECT_EQ(resolver.asked(), 64);
  all.cancel();
  askers.join();
  resolver.answer();
  EXPECT_TRUE(resolve(weft::background(), "localhost"));
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

// In front of the C library's, as the linker has it: the program first. Under a sanitizer the next is the sanitizer's, which
// knows what it may take for a race: the C library shares its list of interfaces by locks and counts that are not seen.
extern "C" __attribute__((weak)) int __interceptor_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**);
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  if (host && std::strcmp(host, silent_resolver::name) == 0) return silent_resolver::instance.load()->ask();
  if (__interceptor_getaddrinfo) return __interceptor_getaddrinfo(host, service, hints, found);
  using function = int(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<function*>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(host, service, hints, found);
}
