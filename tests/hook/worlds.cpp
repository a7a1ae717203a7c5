// The hook in bubbles, where time is virtual, and at the limit of threads.
#include <poll.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>

#include <gmock/gmock.h>
#include <weft/testing.h>

#include "hook/plain.h"
#include "support/child.h"

namespace {

using namespace hook_test;
using weft::testing::bubble;

TEST(hook_in_a_bubble, sleeps_take_virtual_time) {
  const auto really = std::chrono::steady_clock::now();
  bubble([] {
    const timespec hour{3600, 0};
    const auto start = weft::clock::now();
    EXPECT_EQ(::usleep(3'600'000'000U), 0);
    EXPECT_EQ(::nanosleep(&hour, nullptr), 0);
    EXPECT_EQ(::sleep(3600), 0U);
    EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, nullptr), 0);
    EXPECT_EQ(weft::clock::now() - start, 4h);
    timespec later{};  // of the kernel's clock, as a library would ask it
    ::clock_gettime(CLOCK_MONOTONIC, &later);
    later.tv_sec += 3600;
    EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &later, nullptr), 0);
    EXPECT_GT(weft::clock::now() - start, 4h + 59min);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - really, 60s);
}

TEST(hook_in_a_bubble, the_clock_stands_still_while_a_call_waits_for_a_descriptor) {
  socket_pair s;
  const timeval limit{3600, 0};
  ASSERT_EQ(::setsockopt(s.fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  std::atomic<bool> may_write{false}, has_slept{false};
  std::thread writer([&] {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(support::eventually([&] { return may_write.exchange(false); }));
      support::let_others_run(500);
      EXPECT_FALSE(has_slept);
      EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
    }
  });
  bubble([&] {
    weft::wait_group all;
    all.go([&] {
      weft::sleep(1s);
      has_slept = true;
    });
    all.go([&] {
      char byte;
      may_write = true;
      EXPECT_EQ(::recv(s.fds[0], &byte, 1, 0), 1);
      pollfd one{s.fds[0], POLLIN, 0};
      may_write = true;
      EXPECT_EQ(::poll(&one, 1, 3'600'000), 1);
    });
    all.wait();
  });
  writer.join();
  EXPECT_TRUE(has_slept);
}

int wait_in_many_calls(void (*wait)(int fd)) {
  return weft::run([&] {
    constexpr int many = 40;
    socket_pair s;
    weft::wait_group all;
    std::atomic<int> begun{0};
    for (int i = 0; i < many; ++i)
      all.go([&] {
        ++begun;
        wait(s.fds[0]);
      });
    const bool have_begun = support::eventually([&] { return begun == many; });
    for (int i = 0; i < many; ++i)
      if (::write(s.fds[1], "x", 1) != 1) return 1;
    all.wait();
    std::puts(have_begun ? "ok" : "stuck");
    return 0;
  });
}

WEFT_CHILD(forty_reads) {
  return wait_in_many_calls([](int fd) {
    char byte;
    static_cast<void>(::read(fd, &byte, 1));
  });
}

// A signal mask for the time of the call can only be had from the kernel: the thread blocks (docs/hook.md).
WEFT_CHILD(forty_calls_that_keep_their_threads) {
  return wait_in_many_calls([](int fd) {
    sigset_t none;
    sigemptyset(&none);
    pollfd one{fd, POLLPRI, 0};
    static_cast<void>(::ppoll(&one, 1, nullptr, &none));
  });
}

TEST(hook_at_the_limit_of_threads, calls_that_park_need_none) {
  const auto child = support::run_child("forty_reads", {"WEFT_MAX_THREADS=8", "WEFT_PROCS=2"});
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_EQ(child.out, "ok\n");
}

TEST(hook_at_the_limit_of_threads, calls_that_need_one_each_end_the_process_with_a_clear_message) {
  const auto child = support::run_child("forty_calls_that_keep_their_threads", {"WEFT_MAX_THREADS=8", "WEFT_PROCS=2"});
  EXPECT_FALSE(child.timed_out) << child;
  EXPECT_NE(child.exit_status, 0) << child;
  EXPECT_THAT(child.err, support::mentions("WEFT_MAX_THREADS")) << child;
}

}  // namespace
