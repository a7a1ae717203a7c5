// Bubbles and explorations beside the rest of the process: descriptors, threads and goroutines outside that wake members.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/stress.h"

#include <gmock/gmock.h>
#include <weft/testing.h>

#include <atomic>
#include <thread>
#include <unistd.h>

#include <fcntl.h>

#include "poll/descriptor.h"

namespace {

using namespace std::chrono_literals;
using weft::testing::bubble;
using weft::testing::explore;

// A pipe whose reading end blocks goroutines through the poller.
class pipe_to_member {
 public:
  pipe_to_member() {
    EXPECT_EQ(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0);
    int error = 0;
    reader_ = weft::poll::open(ends_[0], error);
    EXPECT_TRUE(reader_) << error;
  }
  ~pipe_to_member() {
    reader_->forget();
    ::close(ends_[1]);
  }
  void write_byte() { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  ssize_t read_byte() {
    char byte;
    return reader_->perform(weft::poll::direction::read, {}, [&](int fd) {
      const ssize_t count = ::read(fd, &byte, 1);
      return weft::poll::attempt{count, count < 0 ? errno : 0};
    }).count;
  }

 private:
  int ends_[2];
  weft::poll::descriptor* reader_;
};

class outside_on : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(procs, outside_on, testing::Values(1, 2, 8), testing::PrintToStringParamName());

TEST_P(outside_on, the_clock_stands_still_while_a_member_waits_for_a_descriptor) {
  pipe_to_member p;
  std::atomic<bool> has_read{false}, has_slept{false};
  std::thread writer([&] {
    support::let_others_run(2'000);
    EXPECT_FALSE(has_slept);
    p.write_byte();
  });
  bubble([&] {
    const auto start = weft::clock::now();
    weft::go([&] {
      weft::sleep(1h);
      EXPECT_TRUE(has_read);
      has_slept = true;
    });
    EXPECT_EQ(p.read_byte(), 1);
    EXPECT_EQ(weft::clock::now(), start);
    has_read = true;
    weft::sleep(2h);
    EXPECT_TRUE(has_slept);
  });
  writer.join();
}

// Each finds what the other has written when it has nothing else to do, and runs him.
TEST_P(outside_on, members_hand_a_byte_to_and_fro_through_descriptors) {
  pipe_to_member there, back;
  bubble([&] {
    weft::go([&] {
      for (int i = 0; i < 500 && there.read_byte() == 1; ++i) back.write_byte();
    });
    for (int i = 0; i < 500; ++i) {
      there.write_byte();
      ASSERT_EQ(back.read_byte(), 1);
    }
  });
}

TEST_P(outside_on, an_exploration_waits_for_descriptors_too) {
  for (int round = 0; round < 20; ++round) {
    pipe_to_member p;
    std::thread writer([&] { p.write_byte(); });
    explore({.schedules = 1, .seed = static_cast<std::uint64_t>(round)}, [&] {
      std::atomic<int> others{0};
      weft::wait_group wg;
      for (int i = 0; i < 3; ++i) wg.go([&] { ++others; });
      EXPECT_EQ(p.read_byte(), 1);
      wg.wait();
      EXPECT_EQ(others, 3);
    });
    writer.join();
  }
}

// Members and strangers hand values to and fro over the same channels while the members' clock runs: every wake-up from
// outside races with somebody who finds all members blocked.
TEST_P(outside_on, wake_ups_from_outside_race_with_the_clock_and_none_is_lost) {
  support::stress_run run(0.3);
  while (run.more()) {
    weft::chan<int> in, out;
    constexpr int values = 200;
    std::thread stranger([&] {
      for (int i = 0; i < values; ++i) {
        in.send(i);
        EXPECT_EQ(out.recv(), i);
      }
    });
    bubble([&] {
      weft::chan<void> quit;
      for (int i = 0; i < 3; ++i)
        weft::go([&] {
          for (;;) {
            auto stop = weft::on_recv(quit);
            auto again = weft::on_timeout(1ms);
            weft::select(stop, again);
            if (stop) return;
            weft::yield();
          }
        });
      for (int i = 0; i < values; ++i) {
        weft::sleep(1us);
        const auto value = [&] {
          weft::testing::outside stranger_sends;
          return in.recv();
        }();
        EXPECT_EQ(value, i);
        weft::testing::outside stranger_receives;
        out.send(*value);
      }
      quit.close();
      weft::testing::settle();
    });
    stranger.join();
  }
}

// Without testing::outside the clock may jump, and a deadlock may be reported, while the stranger is on the way with the
// last wake-up. Nothing worse.
TEST_P(outside_on, unannounced_wake_ups_are_a_race_of_time_only) {
  support::stress_run run(0.3);
  while (run.more()) {
    weft::chan<void> poke(1);
    std::atomic<bool> stop{false};
    std::thread stranger([&] {
      while (!stop)
        if (!poke.try_send()) std::this_thread::yield();
    });
    const auto program = [&] {
      weft::wait_group wg;
      for (int i = 0; i < 3; ++i)
        wg.go([poke] {
          for (int k = 0; k < 200; ++k) {
            auto poked = weft::on_recv(poke);
            auto late = weft::on_timeout(1ms);
            weft::select(poked, late);
          }
        });
      wg.wait();
    };
    try {
      bubble(program);
    } catch (const weft::testing::failure& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("deadlock"));
    }
    stop = true;
    stranger.join();
  }
}

TEST_P(outside_on, abandoned_members_never_run_again) {
  weft::chan<void> gate;
  std::atomic<int> ran{0};
  const auto stuck = [&] {
    for (int i = 0; i < 4; ++i)
      weft::go([&, gate] {
        gate.recv();
        ++ran;
      });
    gate.recv();
    ++ran;
  };
  EXPECT_THROW(bubble(stuck), weft::testing::failure);
  EXPECT_THROW(explore({.schedules = 1}, stuck), weft::testing::failure);
  gate.close();
  weft::run([] { support::let_others_run(); });
  EXPECT_EQ(ran, 0);
}

TEST_P(outside_on, bubbles_and_explorations_run_beside_each_other_and_a_busy_process) {
  std::atomic<bool> stop{false};
  weft::wait_group busy;
  for (int i = 0; i < 4; ++i)
    busy.go([&] {
      while (!stop) {
        weft::sleep(10us);
        weft::yield();
      }
    });
  std::vector<std::thread> threads;
  std::string traces[4];
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        if (t % 2) bubble([] { weft::sleep(1h); });
        explore({.schedules = 10, .seed = 3, .trace = &traces[t]}, [] {
          weft::chan<int> ch;
          weft::go([ch] {
            for (int i = 0; i < 5; ++i) ch.send(i);
            ch.close();
          });
          for (int v : ch) weft::sleep(v * 1s);
        });
      }
    });
  for (auto& t : threads) t.join();
  stop = true;
  busy.wait();
  for (const auto& trace : traces) EXPECT_EQ(trace, traces[0]);
}

}  // namespace
