// poll, ppoll, select, pselect, epoll_wait, epoll_pwait.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <string>

#include "hook/plain.h"

namespace {

using namespace hook_test;

class hook_readiness : public support::everywhere {};
WEFT_EVERYWHERE(hook_readiness);

TEST_P(hook_readiness, poll_tells_which_of_many_and_how) {
  here([] {
    std::array<socket_pair, 7> s;
    for (std::size_t chosen = 0; chosen < s.size(); ++chosen) {
      std::array<pollfd, 8> fds{};
      for (std::size_t i = 0; i < s.size(); ++i) fds[i] = {s[i].fds[0], POLLIN, 99};
      fds[7] = {-1, POLLIN, 99};
      support::crew peers;
      support::start_parked(peers, [&] {
        EXPECT_EQ(::poll(fds.data(), fds.size(), -1), 1);
        for (std::size_t i = 0; i < fds.size(); ++i) EXPECT_EQ(fds[i].revents, i == chosen ? POLLIN : 0);
        char byte;
        EXPECT_EQ(::read(fds[chosen].fd, &byte, 1), 1);
      });
      EXPECT_EQ(::write(s[chosen].fds[1], "x", 1), 1);
    }
  });
}

TEST_P(hook_readiness, times_are_kept_and_nothing_ready_is_zero) {
  here([] {
    socket_pair s;
    pollfd one{s.fds[0], POLLIN, 0};
    const timespec span{0, 20'000'000};
    const auto timed = [](auto call) {
      const auto start = weft::clock::now();
      EXPECT_EQ(call(), 0);
      EXPECT_GE(seconds_since(start), 0.0195);
    };
    timed([&] { return ::poll(&one, 1, 20); });
    timed([&] { return ::poll(nullptr, 0, 20); });
    timed([&] { return ::ppoll(&one, 1, &span, nullptr); });
    sigset_t none;
    sigemptyset(&none);
    timed([&] { return ::ppoll(&one, 1, &span, &none); });
    timed([&] {
      fd_set read;
      FD_ZERO(&read);
      FD_SET(s.fds[0], &read);
      timeval time{0, 20'000};
      const int ready = ::select(s.fds[0] + 1, &read, nullptr, nullptr, &time);
      EXPECT_FALSE(FD_ISSET(s.fds[0], &read));
      EXPECT_EQ(time.tv_sec, 0);
      EXPECT_LT(time.tv_usec, 1000) << "Linux counts it down";
      return ready;
    });
    timed([&] { return ::pselect(0, nullptr, nullptr, nullptr, &span, nullptr); });
    EXPECT_EQ(::poll(&one, 1, 0), 0);
  });
}

TEST_P(hook_readiness, select_watches_both_directions_of_many) {
  here([] {
    std::array<socket_pair, 6> s;
    const std::string much(1 << 22, 'x');
    for (auto& pair : s) EXPECT_GT(::send(pair.fds[0], much.data(), much.size(), MSG_DONTWAIT), 0);  // full
    support::crew peers;
    support::start_parked(peers, [&] {
      fd_set read, write;
      FD_ZERO(&read);
      FD_ZERO(&write);
      int highest = 0;
      for (auto& pair : s) {
        FD_SET(pair.fds[0], &read);
        FD_SET(pair.fds[0], &write);
        highest = std::max(highest, pair.fds[0]);
      }
      timeval time{20, 0};
      EXPECT_EQ(::select(highest + 1, &read, &write, nullptr, &time), 1);
      EXPECT_TRUE(FD_ISSET(s[3].fds[0], &write));
      EXPECT_FALSE(FD_ISSET(s[3].fds[0], &read));
      EXPECT_GE(time.tv_sec, 1) << "most of it is left";
    });
    std::string some(much.size(), 0);
    while (::recv(s[3].fds[1], some.data(), some.size(), MSG_DONTWAIT) > 0) {
    }
  });
}

// The kernel looks at no more descriptors than the process has room for, however many are asked for: a set that ends there is
// large enough.
TEST_P(hook_readiness, select_touches_no_more_of_its_sets_than_the_kernel_does) {
  here([] {
    std::ifstream status("/proc/self/status");
    std::size_t room = 0;
    for (std::string word; status >> word;)
      if (word == "FDSize:") status >> room;
    ASSERT_GT(room, 0U);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t whole = (room / 8 + page - 1) / page * page;
    void* const memory = ::mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    ASSERT_EQ(::mprotect(static_cast<char*>(memory) + whole, page, PROT_NONE), 0);
    auto* const bits = static_cast<unsigned long*>(memory) + (whole - room / 8) / sizeof(long);
    auto* const set = reinterpret_cast<fd_set*>(bits);
    constexpr std::size_t each = 8 * sizeof(long);
    socket_pair s;
    const auto fd = static_cast<std::size_t>(s.fds[0]);
    for (const bool with_mask_call : {false, true}) {
      bits[fd / each] |= 1UL << fd % each;
      support::crew peers;
      support::start_parked(peers, [&] {
        const int ready = with_mask_call ? ::pselect(1 << 20, set, nullptr, nullptr, nullptr, nullptr)
                                         : ::select(1 << 20, set, nullptr, nullptr, nullptr);
        EXPECT_EQ(ready, 1);
        EXPECT_EQ(bits[fd / each], 1UL << fd % each);
        char byte;
        EXPECT_EQ(::read(s.fds[0], &byte, 1), 1);
      });
      EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
    }
    ::munmap(memory, whole + page);
  });
}

TEST_P(hook_readiness, epoll_waits_for_an_epoll_instance) {
  here([] {
    const int instance = ::epoll_create1(EPOLL_CLOEXEC);
    socket_pair s;
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u32 = 42;
    ASSERT_EQ(::epoll_ctl(instance, EPOLL_CTL_ADD, s.fds[0], &wanted), 0);
    epoll_event got[4];
    EXPECT_EQ(::epoll_wait(instance, got, 4, 5), 0);
    for (int how = 0; how < 3; ++how) {
      support::crew peers;
      support::start_parked(peers, [&, how] {
        const int n = how == 0   ? ::epoll_wait(instance, got, 4, -1)
                      : how == 1 ? ::epoll_pwait(instance, got, 4, 10'000, nullptr)
                                 : ::epoll_pwait2(instance, got, 4, nullptr, nullptr);
        EXPECT_EQ(n, 1);
        EXPECT_EQ(got[0].data.u32, 42U);
        char byte;
        EXPECT_EQ(::read(s.fds[0], &byte, 1), 1);
      });
      EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
    }
    ::close(instance);
  });
}

TEST_P(hook_readiness, what_is_wrong_is_said_at_once) {
  here([] {
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    const int closed = ::fcntl(fds[0], F_DUPFD_CLOEXEC, 500);  // nobody else in the process will be given that number
    ASSERT_GE(closed, 500);
    for (const int fd : {fds[0], fds[1], closed}) ::close(fd);
    pollfd gone{closed, POLLIN, 0};
    EXPECT_EQ(::poll(&gone, 1, -1), 1);
    EXPECT_EQ(gone.revents, POLLNVAL);
    fd_set read;
    FD_ZERO(&read);
    FD_SET(closed, &read);
    EXPECT_EQ(::select(closed + 1, &read, nullptr, nullptr, nullptr), -1);
    EXPECT_EQ(errno_here(), EBADF);
    EXPECT_EQ(::select(-1, nullptr, nullptr, nullptr, nullptr), -1);
    EXPECT_EQ(errno_here(), EINVAL);
    epoll_event event;
    EXPECT_EQ(::epoll_wait(0, &event, 0, -1), -1);
    EXPECT_EQ(errno_here(), EINVAL);
    const timespec wrong{0, -1};
    EXPECT_EQ(::ppoll(nullptr, 0, &wrong, nullptr), -1);
    EXPECT_EQ(errno_here(), EINVAL);
  });
}

// Hang-up comes unasked, also to those who wait for nothing else; while data that nobody asked for lies there, the wait
// must neither end nor spin.
TEST_P(hook_readiness, only_what_was_asked_for_ends_a_poll) {
  here([] {
    socket_pair s;
    EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
    std::atomic<bool> is_over{false};
    support::crew peers;
    support::start_parked(peers, [&] {
      pollfd one{s.fds[0], 0, 0};
      EXPECT_EQ(::poll(&one, 1, -1), 1);
      EXPECT_TRUE(one.revents & POLLHUP);
      is_over = true;
    });
    EXPECT_EQ(::write(s.fds[1], "y", 1), 1);
    support::let_others_run();
    EXPECT_FALSE(is_over);
    s.close_one(1);
  });
}

TEST(hook_readiness_park, they_hold_no_thread) {
  support::procs_scope one(1);
  weft::run([] {
    constexpr int many = 60;
    std::vector<socket_pair> pairs(many);
    const auto wait = [&](int i) {
      const int fd = pairs[static_cast<std::size_t>(i)].fds[0];
      if (i % 2) {
        pollfd one{fd, POLLIN, 0};
        EXPECT_EQ(::poll(&one, 1, 60'000), 1);
        return;
      }
      fd_set read;
      FD_ZERO(&read);
      FD_SET(fd, &read);
      EXPECT_EQ(::select(fd + 1, &read, nullptr, nullptr, nullptr), 1);
    };
    expect_parked(many, wait, [&] {
      for (auto& pair : pairs) EXPECT_EQ(::write(pair.fds[1], "x", 1), 1);
    });
  });
}

// Two goroutines wait for the same descriptor, one to read and one to write, and a third polls both.
TEST_P(hook_readiness, several_may_wait_for_one_descriptor) {
  here([] {
    socket_pair s;
    const std::string much(1 << 20, 'x');
    support::crew peers;
    support::start_parked(peers, [&] {
      char byte;
      EXPECT_EQ(::read(s.fds[0], &byte, 1), 1);
    });
    support::start_parked(peers, [&] {
      EXPECT_EQ(::write(s.fds[0], much.data(), much.size()), static_cast<ssize_t>(much.size()));
    });
    support::start_parked(peers, [&] {
      pollfd both{s.fds[0], POLLIN | POLLOUT, 0};
      EXPECT_EQ(::poll(&both, 1, -1), 1);
    });
    std::string all(much.size(), 0);
    EXPECT_EQ(::recv(s.fds[1], all.data(), all.size(), MSG_WAITALL), static_cast<ssize_t>(all.size()));
    EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
  });
}

}  // namespace
