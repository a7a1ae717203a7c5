// nanosleep, clock_nanosleep, usleep, sleep, getaddrinfo.
#include <netdb.h>

#include <ctime>

#include "hook/plain.h"

namespace {

using namespace hook_test;

class hook_times : public support::everywhere {};
WEFT_EVERYWHERE(hook_times);

timespec now_plus(clockid_t id, long ns) {
  timespec t;
  ::clock_gettime(id, &t);
  t.tv_nsec += ns;
  t.tv_sec += t.tv_nsec / 1'000'000'000;
  t.tv_nsec %= 1'000'000'000;
  return t;
}

TEST_P(hook_times, sleeps_last_as_long_as_they_should) {
  here([] {
    const timespec span{0, 10'000'000};
    const auto timed = [](auto call) {
      const auto start = weft::clock::now();
      EXPECT_EQ(static_cast<int>(call()), 0);
      EXPECT_GE(seconds_since(start), 0.0099);
    };
    timespec left{5, 5};
    timed([&] { return ::nanosleep(&span, &left); });
    timed([&] { return ::usleep(10'000); });
    timed([&] { return ::clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr); });
    timed([&] { return ::clock_nanosleep(CLOCK_REALTIME, 0, &span, nullptr); });
    for (const clockid_t id : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
      const timespec until = now_plus(id, 10'000'000);
      timed([&] { return ::clock_nanosleep(id, TIMER_ABSTIME, &until, nullptr); });
      EXPECT_EQ(::clock_nanosleep(id, TIMER_ABSTIME, &until, nullptr), 0) << "it is past";
    }
    EXPECT_EQ(::sleep(0), 0U);
    EXPECT_EQ(::usleep(0), 0);
  });
}

TEST_P(hook_times, wrong_times_are_refused) {
  here([] {
    for (const timespec wrong : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}}) {
      EXPECT_EQ(::nanosleep(&wrong, nullptr), -1);
      EXPECT_EQ(errno_here(), EINVAL);
      EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, nullptr), EINVAL);
    }
    const timespec fine{0, 1};
    EXPECT_EQ(::clock_nanosleep(77, 0, &fine, nullptr), EINVAL);
  });
}

TEST(hook_times_park, sleepers_hold_no_thread) {
  support::procs_scope one(1);
  weft::run([] {
    const auto start = weft::clock::now();
    expect_parked(200, [](int i) {
      if (i % 2) EXPECT_EQ(::usleep(100'000), 0);
      else std::this_thread::sleep_for(100ms);
    }, [] {});
    EXPECT_LT(seconds_since(start), 5.0) << "one after the other: 20 s";
  });
}

TEST_P(hook_times, names_are_resolved_and_errors_kept) {
  here([] {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    ASSERT_EQ(::getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    EXPECT_EQ(found->ai_family, AF_INET);
    ::freeaddrinfo(found);
    EXPECT_EQ(::getaddrinfo("no address", nullptr, &hints, &found), EAI_NONAME);
    hints.ai_flags = 0;
    ASSERT_EQ(::getaddrinfo("localhost", "80", &hints, &found), 0);
    ::freeaddrinfo(found);
  });
}

}  // namespace
