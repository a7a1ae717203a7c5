// Descriptors of others: blocking ones, closed and used again without a word.
#include "poll/foreign.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "support/everywhere.h"
#include "support/parked.h"

namespace {

using namespace std::chrono_literals;
namespace poll = weft::poll;
namespace foreign = weft::poll::foreign;
using poll::direction;

// As a library has them: blocking. Whoever closes one says so, unless a test means to keep it a secret.
struct sockets {
  sockets() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0); }
  ~sockets() {
    for (const int fd : fds) {
      foreign::closed(fd);
      ::close(fd);
    }
  }
  void say(char byte = 'x') const { EXPECT_EQ(::send(fds[1], &byte, 1, MSG_NOSIGNAL), 1); }
  std::array<int, 2> fds{};
};

[[gnu::noinline]] poll::attempt receive(int fd, char& into) {
  const ssize_t got = ::recv(fd, &into, 1, MSG_DONTWAIT);
  return {got, got < 0 ? errno : 0};
}

poll::attempt read_byte(int fd, char& into, std::int64_t until_ns = weft::os::no_deadline) {
  foreign::use f(fd);
  EXPECT_EQ(f.renew(), 0);
  return f->perform(direction::read, {.until_ns = until_ns}, [&](int) { return receive(fd, into); });
}

std::int64_t in(weft::clock::duration d) { return (weft::clock::now() + d).time_since_epoch().count(); }

class poll_foreign : public support::everywhere {};
WEFT_EVERYWHERE(poll_foreign);

TEST_P(poll_foreign, a_call_on_a_blocking_descriptor_waits_for_its_byte) {
  here([this] {
    sockets s;
    auto peers = crew();
    char got = 0;
    support::start_parked(peers, [&] { EXPECT_EQ(read_byte(s.fds[0], got).count, 1); });
    s.say('b');
    peers.join();
    EXPECT_EQ(got, 'b');
    EXPECT_EQ(::fcntl(s.fds[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(read_byte(s.fds[0], got, in(2ms)).error, ETIMEDOUT);
  });
}

TEST_P(poll_foreign, a_number_that_became_another_file_unseen_waits_for_the_new_one) {
  here([this] {
    sockets first, second;
    const int number = first.fds[0];
    for (const sockets* s : {&first, &second}) {
      if (s == &second) {
        ASSERT_EQ(::dup2(second.fds[0], number), number);  // nobody is told
      }
      char got = 0;
      auto peers = crew();
      support::start_parked(peers, [&] { EXPECT_EQ(read_byte(number, got).count, 1); });
      s->say();
    }
  });
}

TEST_P(poll_foreign, closed_wakes_who_waits_and_the_number_starts_afresh) {
  here([this] {
    sockets s;
    auto peers = crew();
    support::start_parked(peers, [&] {
      foreign::use f(s.fds[0]);
      EXPECT_EQ(f.renew(), 0);
      char byte;
      EXPECT_EQ(f->perform(direction::read, {}, [&](int) { return receive(s.fds[0], byte); }).error, ECANCELED);
      EXPECT_FALSE(f.is_current());
    });
    foreign::closed(s.fds[0]);
    peers.join();
    s.say();
    char byte;
    EXPECT_EQ(read_byte(s.fds[0], byte).count, 1);
    EXPECT_TRUE(foreign::use(s.fds[0]).is_current());
    foreign::closed(-1);
    foreign::closed(1'000'000);  // never used
  });
}

TEST_P(poll_foreign, closed_range_closes_those_and_no_others) {
  here([this] {
    std::array<sockets, 3> made;
    // By their numbers, which need not ascend: the monitor has a file open now and then, and leaves a gap.
    std::array<const sockets*, 3> all{&made[0], &made[1], &made[2]};
    std::ranges::sort(all, {}, [](const sockets* s) { return s->fds[0]; });
    auto peers = crew();
    std::array<std::atomic<int>, 3> errors{};
    for (std::size_t i = 0; i < all.size(); ++i)
      support::start_parked(peers, [&, i] {
        char byte;
        errors[i] = read_byte(all[i]->fds[0], byte).error + 1;
      });
    foreign::closed_range(static_cast<unsigned>(all[0]->fds[0]), static_cast<unsigned>(all[1]->fds[0]));
    EXPECT_TRUE(support::eventually([&] { return errors[0] != 0 && errors[1] != 0; }));
    EXPECT_EQ(errors[2], 0);
    all[2]->say();
    peers.join();
    EXPECT_EQ(errors[0], ECANCELED + 1);
    EXPECT_EQ(errors[2], 1);
  });
}

TEST(poll_foreign, what_is_always_ready_cannot_be_watched) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  {
    foreign::use f(file);
    EXPECT_EQ(f.renew(), EPERM);
    const foreign::watch one[] = {{file, true, false}};
    EXPECT_EQ(foreign::wait_any(one).failed(), EPERM);
  }
  foreign::closed(file);
  ::close(file);
}

// F1: one number, known to both: a descriptor of ours and one of a library.
TEST_P(poll_foreign, a_number_that_is_watched_disturbs_no_descriptor_of_ours) {
  here([this] {
    sockets s;
    int error = 0;
    const int mine = ::fcntl(s.fds[0], F_DUPFD_CLOEXEC, 0);
    ASSERT_EQ(::fcntl(mine, F_SETFL, O_NONBLOCK), 0);
    poll::descriptor* const d = poll::open(mine, error);
    ASSERT_NE(d, nullptr);
    foreign::use same_number(mine);
    EXPECT_EQ(same_number.renew(), 0);
    auto peers = crew();
    support::start_parked(peers, [&] {
      char byte;
      EXPECT_EQ(d->perform(direction::read, {}, [&](int fd) { return receive(fd, byte); }).count, 1);
    });
    foreign::closed(mine);  // the library's idea of it
    s.say();
    peers.join();
    d->forget();
  });
}

// --- several at once ----------------------------------------------------------------------------

class poll_wait_any : public support::everywhere {};
WEFT_EVERYWHERE(poll_wait_any);

TEST_P(poll_wait_any, any_of_them_ends_the_wait) {
  here([this] {
    for (const std::size_t count : {1U, 2U, 4U, 5U, 40U}) {  // the first four need no memory
      std::vector<sockets> all(count);
      std::vector<foreign::watch> watches;
      for (const sockets& s : all) watches.push_back({s.fds[0], true, false});
      for (const std::size_t chosen : {std::size_t{0}, count / 2, count - 1}) {
        auto peers = crew();
        support::start_parked(peers, [&] {
          foreign::wait_any any(watches);
          EXPECT_EQ(any.failed(), 0);
          EXPECT_TRUE(any.wait(weft::os::no_deadline));
        });
        all[chosen].say();
        peers.join();
        char byte;
        EXPECT_EQ(receive(all[chosen].fds[0], byte).count, 1);
      }
    }
  });
}

TEST_P(poll_wait_any, what_changed_between_the_look_and_the_wait_is_not_missed) {
  here([] {
    sockets s;
    const foreign::watch one[] = {{s.fds[0], true, false}};
    foreign::wait_any any(one);
    s.say();
    EXPECT_TRUE(any.wait(weft::os::no_deadline));
    any.look();
    char byte;
    EXPECT_EQ(receive(s.fds[0], byte).count, 1);
    EXPECT_FALSE(any.wait(in(2ms)));
    s.say();
    EXPECT_TRUE(any.wait(weft::os::no_deadline));
  });
}

TEST_P(poll_wait_any, the_time_ends_it_and_the_other_direction_does_not) {
  here([] {
    sockets s;
    const std::vector<char> much(1 << 16);
    while (::send(s.fds[0], much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    const foreign::watch to_write[] = {{s.fds[0], false, true}};
    foreign::wait_any any(to_write);
    any.look();
    s.say();
    const auto when = weft::clock::now() + 3ms;
    while (any.wait(when.time_since_epoch().count())) any.look();  // an event tells of both directions
    EXPECT_GE(weft::clock::now(), when);
    std::vector<char> into(1 << 20);
    while (::recv(s.fds[1], into.data(), into.size(), MSG_DONTWAIT) > 0) {
    }
    EXPECT_TRUE(any.wait(weft::os::no_deadline));
  });
}

}  // namespace
