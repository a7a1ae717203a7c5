// Which poller it is, and how often busy processors look at it.
#include "poll/backend.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "os/uring.h"
#include "poll/descriptor.h"
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

namespace poll = weft::poll;
using poll::direction;

constexpr int not_permitted = 77;

struct line {
  line() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    int error = 0;
    a = poll::open(fds[0], error);
    b = poll::open(fds[1], error);
    EXPECT_EQ(error, 0);
  }
  ~line() {
    a->forget();
    b->forget();
  }
  poll::descriptor *a, *b;
};

[[gnu::noinline]] poll::attempt result_of(ssize_t count) { return {count, count < 0 ? errno : 0}; }
bool read_byte(poll::descriptor& d) {
  char byte;
  return d.perform(direction::read, {}, [&](int fd) { return result_of(::recv(fd, &byte, 1, 0)); }).count == 1;
}
bool write_byte(poll::descriptor& d) {
  return d.perform(direction::write, {}, [&](int fd) { return result_of(::send(fd, "x", 1, MSG_NOSIGNAL)); }).count == 1;
}

// Prints what the poller turned out to be, when it has been used.
int talk() {
  return weft::run([] {
    line between;
    weft::wait_group echo;
    echo.go([&] {
      for (int i = 0; i < 100; ++i) (void)(read_byte(*between.b) && write_byte(*between.b));
    });
    for (int i = 0; i < 100; ++i)
      if (!write_byte(*between.a) || !read_byte(*between.a)) return 1;
    echo.wait();
    bool is_uring = false;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      is_uring |= std::filesystem::read_symlink(entry.path(), gone) == "anon_inode:[io_uring]";
    }
    std::puts(is_uring ? "uring" : "epoll");
    return 0;
  });
}

WEFT_CHILD(talks) { return talk(); }

// As a container's policy does it.
WEFT_CHILD(talks_where_io_uring_is_refused) {
  const auto refused = static_cast<unsigned>(std::atoi(std::getenv("WEFT_TEST_ERRNO")));
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refused),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(steps)), steps};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    return not_permitted;
  return talk();
}

TEST(poll_backend, is_the_one_that_was_asked_for) {
  const bool has_uring = weft::os::uring::make() != nullptr;
  struct {
    const char* setting;
    const char* expected;
  } const cases[] = {{"WEFT_DEBUG=", "epoll\n"},
                     {"WEFT_DEBUG=poller=epoll", "epoll\n"},
                     {"WEFT_DEBUG=poller=uring", has_uring ? "uring\n" : "epoll\n"}};
  for (const auto& [setting, expected] : cases) {
    const auto child = support::run_child("talks", {setting});
    EXPECT_EQ(child.exit_status, 0) << child;
    EXPECT_EQ(child.out, expected) << setting;
  }
}

TEST(poll_backend, where_io_uring_is_refused_epoll_takes_its_place_and_nobody_is_told) {
  for (const int refused : {EPERM, ENOSYS, ENOMEM}) {
    const auto child = support::run_child("talks_where_io_uring_is_refused",
                                          {"WEFT_DEBUG=poller=uring", "WEFT_TEST_ERRNO=" + std::to_string(refused)});
    if (child.exit_status == not_permitted) GTEST_SKIP() << "this needs a kernel with seccomp filters";
    EXPECT_EQ(child.exit_status, 0) << child;
    EXPECT_EQ(child.out, "epoll\n") << refused;
    EXPECT_EQ(child.err, "") << refused;
  }
}

// CPU time, all of this process: what strangers take from us is not our doing.
double cpu_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

// A processor that always has something to run looks by itself: after a millisecond at most, at the next of its duties, each
// of which comes after 64 turns (src/sched/loop.cpp, P5). Where it did not the monitor would, after two.
TEST(poll_backend, busy_processors_look_at_it_within_a_millisecond_and_a_few_turns) {
  support::procs_scope one(1);
  constexpr int others = 8, rounds = 100;
  constexpr double turn_ms = 0.01, bound_ms = 1 + 64 * turn_ms;
  std::vector<double> waited;
  support::on_goroutine([&] {
    line between;
    std::atomic<bool> is_over{false};
    std::atomic<int> answered{0};
    weft::wait_group all;
    all.go([&] {
      while (read_byte(*between.b)) ++answered;
    });
    for (int i = 0; i < others; ++i)
      all.go([&] {
        while (!is_over) {
          for (const double end = cpu_ms() + turn_ms; cpu_ms() < end;) continue;
          weft::yield();
        }
      });
    for (int round = 1; round <= rounds; ++round) {
      ASSERT_TRUE(write_byte(*between.a));
      const double start = cpu_ms();
      while (answered < round) weft::yield();
      waited.push_back(cpu_ms() - start);
    }
    is_over = true;
    between.b->close();
    all.wait();
  });
  std::ranges::sort(waited);
  std::printf("waited for %.2f ms at the median, %.2f at most\n", waited[rounds / 2], waited.back());
  EXPECT_LE(waited[rounds * 9 / 10], bound_ms * support::patience());
}

}  // namespace
