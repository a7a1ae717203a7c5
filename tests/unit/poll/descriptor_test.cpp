// Descriptors with the real poller behind them.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "poll/descriptor.h"
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using namespace std::chrono_literals;
namespace poll = weft::poll;
using poll::direction;

struct descriptor_pair {
  descriptor_pair() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    int error = 0;
    a = poll::open(fds[0], error);
    b = poll::open(fds[1], error);
    EXPECT_EQ(error, 0);
  }
  ~descriptor_pair() {
    a->forget();
    b->forget();
  }
  // The other end's word for it: a number that was closed may be in use again, as the monitor opens files of /proc. A ring
  // may hold the file until it has taken its request back.
  [[nodiscard]] bool is_a_closed() const {
    char byte;
    return ::recv(fds[1], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }
  std::array<int, 2> fds{};
  poll::descriptor *a, *b;
};

[[gnu::noinline]] poll::attempt result_of(ssize_t count) { return {count, count < 0 ? errno : 0}; }

poll::attempt read_byte(poll::descriptor& d, char& into, const poll::patience& limits = {}) {
  return d.perform(direction::read, limits, [&](int fd) { return result_of(::recv(fd, &into, 1, 0)); });
}
poll::attempt write_byte(poll::descriptor& d, char byte) {
  return d.perform(direction::write, {}, [&](int fd) { return result_of(::send(fd, &byte, 1, MSG_NOSIGNAL)); });
}

class poll_descriptor : public support::everywhere {};
WEFT_EVERYWHERE(poll_descriptor);

TEST_P(poll_descriptor, a_byte_goes_to_and_fro_two_thousand_times) {
  here([this] {
    descriptor_pair pair;
    auto peers = crew();
    peers.start([&] {
      char byte;
      while (read_byte(*pair.b, byte).count == 1)
        if (byte == 'q' || write_byte(*pair.b, byte).count != 1) return;
    });
    for (int i = 0; i < 2'000; ++i) {
      char byte = 0;
      ASSERT_EQ(write_byte(*pair.a, 'a').count, 1);
      ASSERT_EQ(read_byte(*pair.a, byte).count, 1);
    }
    write_byte(*pair.a, 'q');
    peers.join();
  });
}

TEST_P(poll_descriptor, close_wakes_the_blocked_reader_and_then_the_fd_is_closed) {
  here([this] {
    descriptor_pair pair;
    std::atomic<int> error{0};
    auto peers = crew();
    peers.start([&] {
      char byte;
      error = read_byte(*pair.a, byte).error;
    });
    ASSERT_TRUE(support::eventually([&] { return pair.a->ready().awaited(); }));
    pair.a->close();
    peers.join();
    EXPECT_EQ(error, ECANCELED);
    EXPECT_TRUE(support::eventually([&] { return pair.is_a_closed(); }));
    char byte;
    EXPECT_EQ(read_byte(*pair.a, byte).error, ECANCELED) << "closed for good";
    EXPECT_FALSE(pair.a->with_fd([](int) {}));
  });
}

TEST_P(poll_descriptor, the_fd_stays_open_while_somebody_is_inside) {
  here([this] {
    descriptor_pair pair;
    std::atomic<bool> is_inside{false}, may_leave{false};
    auto peers = crew();
    peers.start([&] {
      pair.a->with_fd([&](int fd) {
        is_inside = true;
        EXPECT_TRUE(support::eventually([&] { return may_leave.load(); }));
        EXPECT_EQ(fd, pair.fds[0]);
        EXPECT_FALSE(pair.is_a_closed());
      });
    });
    ASSERT_TRUE(support::eventually([&] { return is_inside.load(); }));
    pair.a->close();
    EXPECT_FALSE(pair.is_a_closed());
    may_leave = true;
    peers.join();
    EXPECT_TRUE(support::eventually([&] { return pair.is_a_closed(); }));
  });
}

TEST_P(poll_descriptor, deadline_and_context_end_a_read) {
  here([] {
    descriptor_pair pair;
    char byte;
    pair.a->set_deadline(direction::read, (weft::clock::now() + 2ms).time_since_epoch().count());
    EXPECT_EQ(read_byte(*pair.a, byte).error, ETIMEDOUT);
    pair.a->set_deadline(direction::read, poll::readiness::never);
    auto ctx = weft::with_timeout(weft::background(), 2ms);
    EXPECT_EQ(read_byte(*pair.a, byte, {.ctx = &ctx}).error, ETIMEDOUT);
    auto cancelled = weft::with_cancel(weft::background());
    cancelled.cancel();
    EXPECT_EQ(read_byte(*pair.a, byte, {.ctx = &cancelled}).error, ECANCELED);
    write_byte(*pair.b, 'x');
    EXPECT_EQ(read_byte(*pair.a, byte).count, 1) << "neither did harm to the descriptor";
  });
}

TEST(poll_descriptor, a_regular_file_is_refused_and_stays_the_callers) {
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int error = 0;
  EXPECT_EQ(poll::open(fd, error), nullptr);
  EXPECT_EQ(error, EPERM);
  EXPECT_NE(::fcntl(fd, F_GETFD), -1);
  ::close(fd);
}

TEST(poll_descriptor, memory_is_used_again) {
  poll::descriptor* first = nullptr;
  for (int i = 0; i < 300; ++i) {
    descriptor_pair pair;
    if (!first) first = pair.a;
    ASSERT_LT(std::abs(pair.a - first), 64) << "the registry grows";
  }
}

// While every processor runs a goroutine that never comes to the scheduler, the monitor sees to the poller, and retake to
// the processor.
TEST(poll_descriptor, endless_loops_on_all_processors_do_not_starve_io) {
  support::procs_scope procs(2);
  descriptor_pair pair;
  std::atomic<bool> stop{false};
  std::atomic<int> loops{0}, answered{0};
  weft::wait_group echo;
  echo.go([&] {
    char byte;
    while (read_byte(*pair.b, byte).count == 1) {
      write_byte(*pair.b, byte);
      ++answered;
    }
  });
  ASSERT_TRUE(support::eventually([&] { return pair.b->ready().awaited(); }));
  for (int i = 0; i < 2; ++i)
    weft::go([&] {
      ++loops;
      while (!stop) {
      }
      --loops;
    });
  ASSERT_TRUE(support::eventually([&] { return loops == 2; }));
  for (int i = 0; i < 20; ++i) {
    char byte;
    ASSERT_EQ(write_byte(*pair.a, 'x').count, 1);
    const auto sent = weft::clock::now();
    ASSERT_EQ(read_byte(*pair.a, byte).count, 1);
    EXPECT_LT(weft::clock::now() - sent, support::stretched(400ms)) << "round " << i;
  }
  stop = true;
  ASSERT_TRUE(support::eventually([&] { return loops == 0; }));
  pair.b->close();
  echo.wait();
  EXPECT_EQ(answered, 20);
}

WEFT_CHILD(waits_for_io_for_a_while) {
  return weft::run([] {
    descriptor_pair pair;
    weft::go([&] {  // a stranger, whose only sign of life comes through the kernel
      std::thread([fd = pair.fds[1]] {
        std::this_thread::sleep_for(300ms);
        [[maybe_unused]] auto n = ::send(fd, "x", 1, 0);
      }).detach();
    });
    char byte;
    const std::clock_t start = std::clock();  // of the whole process
    if (read_byte(*pair.a, byte).count != 1) return 1;
    std::printf("%f", static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    return 0;
  });
}

TEST(poll_descriptor, waiting_for_the_world_is_no_deadlock_and_costs_no_cpu) {
  const auto child = support::run_child("waits_for_io_for_a_while");
  ASSERT_EQ(child.exit_status, 0) << child;
  EXPECT_LT(std::stod(child.out), 0.15) << "seconds that the wait took, of 0.3";
}

WEFT_CHILD(deadlock_beside_an_open_descriptor) {
  return weft::run([] {
    descriptor_pair pair;
    char byte = 0;
    write_byte(*pair.a, 'x');
    read_byte(*pair.b, byte);
    weft::chan<int>().recv();
  });
}

TEST(poll_descriptor, a_descriptor_nobody_waits_for_hides_no_deadlock) {
  const auto child = support::run_child("deadlock_beside_an_open_descriptor");
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, support::mentions("deadlock"));
}

WEFT_CHILD(shows_what_it_waits_for) {
  return weft::run([] {
    descriptor_pair pair;
    weft::go([&] {
      char byte;
      read_byte(*pair.a, byte);
    });
    weft::go([&] {
      char byte;
      read_byte(*pair.a, byte);
    });
    weft::yield();  // on the one processor: both run until they park
    weft::mutex().unlock();  // aborts, with a dump
  });
}

TEST(poll_descriptor, dumps_name_the_wait) {
  const auto child = support::run_child("shows_what_it_waits_for", {"WEFT_PROCS=1"});
  EXPECT_THAT(child.err, support::mentions("IO wait"));
  EXPECT_THAT(child.err, support::mentions("IO turn"));
}

}  // namespace
