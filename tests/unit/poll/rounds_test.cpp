// Rounds (src/poll/rounds.h) with the real poller behind them, on one processor with a crowd that is always in line.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "base/settings.h"
#include "os/clock.h"
#include "poll/descriptor.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using namespace std::chrono_literals;
namespace poll = weft::poll;
using poll::direction;

// Goroutines that do nothing but yield, more than a round needs.
class crowd {
 public:
  crowd() {
    for (std::uint32_t i = 0; i < 2 * poll::rounds::crowd; ++i)
      members_.go([this] {
        while (!is_over_.load(std::memory_order_relaxed)) weft::yield();
      });
    weft::yield();  // they are in line
  }
  ~crowd() { disperse(); }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  void disperse() {
    is_over_ = true;
    members_.wait();
  }

 private:
  std::atomic<bool> is_over_{false};
  weft::wait_group members_;
};

// A descriptor that may go rounds, and the plain socket of its peer.
class connection {
 public:
  connection() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()), 0);
    int error = 0;
    d = poll::open(fds_[0], error);
    EXPECT_EQ(error, 0);
    d->go_rounds();
  }
  ~connection() {
    d->forget();
    hang_up();
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send() { EXPECT_EQ(::send(fds_[1], "x", 1, MSG_NOSIGNAL), 1); }
  void hang_up() {
    if (fds_[1] >= 0) ::close(std::exchange(fds_[1], -1));
  }
  int peer() { return fds_[1]; }

  poll::attempt read(const poll::patience& limits = {}) {
    return d->perform(direction::read, limits, [&](int fd) {
      ++tries;
      char buffer[8];
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      return poll::attempt{got, got < 0 ? errno : 0, got > 0 && got < 8};
    });
  }
  // REQUIRES: a crowd. An event that was still on its way makes a read that is no round.
  void become_muted() {
    const bool can_be = weft::base::settings().debug_poller != "uring";
    for (int i = 0; i < (can_be ? 10000 : 8) && !d->is_muted(); ++i) {
      send();
      ASSERT_EQ(read().count, 1);
    }
    ASSERT_EQ(d->is_muted(), can_be);
  }

  poll::descriptor* d = nullptr;
  int tries = 0;

 private:
  std::array<int, 2> fds_{};
};

class rounds : public testing::Test {
 protected:
  support::procs_scope one_{1};
};

TEST_F(rounds, what_arrives_while_others_run_is_read_without_an_event) {
  weft::run([] {
    connection c;
    crowd others;
    c.become_muted();
    for (int i = 0; i < 100; ++i) {
      c.send();
      const int before = c.tries;
      ASSERT_EQ(c.read().count, 1);
      ASSERT_EQ(c.tries, before + 1);
    }
  });
}

TEST_F(rounds, nobody_goes_rounds_alone) {
  weft::run([] {
    connection c;
    for (int i = 0; i < 20; ++i) {
      c.send();
      ASSERT_EQ(c.read().count, 1);
    }
    EXPECT_FALSE(c.d->is_muted());
  });
}

TEST_F(rounds, a_reader_that_finds_nothing_waits_and_is_told) {
  weft::run([] {
    connection c;
    crowd others;
    for (int i = 0; i < 50; ++i) {
      c.become_muted();
      weft::wait_group reader;
      std::atomic<bool> is_told_again{false};
      reader.go([&] { EXPECT_EQ(c.read().count, 1); });
      reader.go([&] {  // the reader has had its round when this has had its turns
        for (int turns = 0; turns < 5; ++turns) weft::yield();
        is_told_again = !c.d->is_muted();
        c.send();
      });
      reader.wait();
      ASSERT_TRUE(is_told_again);
    }
  });
}

TEST_F(rounds, a_reader_that_finds_nothing_when_the_crowd_has_gone_waits_too) {
  weft::run([] {
    connection c;
    {
      crowd others;
      c.become_muted();
    }
    weft::wait_group reader;
    reader.go([&] { EXPECT_EQ(c.read().count, 1); });
    std::thread([&] { std::this_thread::sleep_for(5ms), c.send(); }).join();
    reader.wait();
  });
}

TEST_F(rounds, those_that_find_nothing_get_rare) {
  weft::run([] {
    connection c;
    crowd others;
    for (int i = 0; i < 64; ++i) EXPECT_EQ(c.read({.until_ns = weft::os::monotonic_ns() + 10'000}).error, ETIMEDOUT);
    // The first try of all, and rounds before the waits 1, 3, 7, 15, 31 and 63.
    EXPECT_LE(c.tries, 8);
    EXPECT_GE(c.tries, 6);
  });
}

TEST_F(rounds, the_peer_s_end_a_deadline_and_close_end_a_muted_read) {
  weft::run([] {
    crowd others;
    {
      connection c;
      c.become_muted();
      c.hang_up();
      EXPECT_EQ(c.read().count, 0);
    }
    {
      connection c;
      c.become_muted();
      c.d->set_deadline(direction::read, weft::os::monotonic_ns() + 2'000'000);
      EXPECT_EQ(c.read().error, ETIMEDOUT);
    }
    connection c;
    c.become_muted();
    weft::wait_group reader;
    reader.go([&] { EXPECT_EQ(c.read().error, ECANCELED); });
    for (int turns = 0; turns < 5; ++turns) weft::yield();
    c.d->close();
    reader.wait();
  });
}

TEST_F(rounds, a_deadline_that_passes_during_a_round_is_a_timeout) {
  weft::run([] {
    crowd others;
    connection c;
    c.become_muted();
    const poll::attempt got = c.d->perform(direction::read, {}, [&](int) {
      c.d->set_deadline(direction::read, 1);  // long ago
      return poll::attempt{-1, EAGAIN, false};
    });
    EXPECT_EQ(got.error, ETIMEDOUT);
  });
}

TEST_F(rounds, room_to_write_is_told_of_while_muted) {
  weft::run([] {
    connection c;
    crowd others;
    c.become_muted();
    const std::string much(100'000, 'm');
    const auto write_some = [&] {
      return c.d->perform(direction::write, {}, [&](int fd) {
        const ssize_t sent = ::send(fd, much.data(), much.size(), MSG_NOSIGNAL);
        return poll::attempt{sent, sent < 0 ? errno : 0};
      });
    };
    std::size_t written = 0;
    weft::wait_group writer;
    writer.go([&] {
      while (written < 2'000'000) written += static_cast<std::size_t>(write_some().count);
    });
    std::string into(100'000, '\0');
    for (std::size_t got = 0; got < 2'000'000;) {
      const ssize_t count = ::recv(c.peer(), into.data(), into.size(), 0);
      if (count > 0) got += static_cast<std::size_t>(count);
      weft::yield();
    }
    writer.wait();
  });
}

}  // namespace
