#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "poll/readiness.h"
#include "sched/schedule.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using namespace std::chrono_literals;
using weft::poll::direction;
using weft::poll::outcome;
using weft::poll::readiness;

struct drained_readiness : readiness {
  drained_readiness() {
    open(1);
    drained(direction::read, edge(direction::read));
    drained(direction::write, edge(direction::write));
  }
  ~drained_readiness() {
    close();
    retire();
  }
  void set(direction d, weft::clock::time_point when) { set_deadline(d, when.time_since_epoch().count()); }
  void clear(direction d) { set_deadline(d, never); }
};

class poll_deadline : public support::everywhere {};
WEFT_EVERYWHERE(poll_deadline);

TEST_P(poll_deadline, set_before_the_wait_it_ends_it_in_time_and_stays) {
  here([] {
    drained_readiness r;
    const auto when = weft::clock::now() + 5ms;
    r.set(direction::read, when);
    EXPECT_EQ(r.wait(direction::read), outcome::timed_out);
    EXPECT_GE(weft::clock::now(), when);
    EXPECT_TRUE(r.expired(direction::read));
    EXPECT_FALSE(r.expired(direction::write));
    EXPECT_EQ(r.wait(direction::read), outcome::timed_out);
  });
}

TEST_P(poll_deadline, set_during_the_wait_it_ends_it) {
  here([this] {
    for (auto delay : {-1ms, 0ms, 3ms}) {
      drained_readiness r;
      auto peers = crew();
      std::atomic<int> ended{0};
      for (int i = 0; i < 3; ++i) peers.start([&] { ended += r.wait(direction::write) == outcome::timed_out; });
      ASSERT_TRUE(support::eventually([&] { return r.awaited(); }));
      r.set(direction::write, weft::clock::now() + delay);
      peers.join();
      EXPECT_EQ(ended, 3);
    }
  });
}

TEST_P(poll_deadline, moved_earlier_it_ends_the_wait_earlier) {
  here([this] {
    drained_readiness r;
    r.set(direction::read, weft::clock::now() + 1h);
    auto peers = crew();
    std::atomic<bool> ended{false};
    peers.start([&] { ended = r.wait(direction::read) == outcome::timed_out; });
    ASSERT_TRUE(support::eventually([&] { return r.awaited(); }));
    r.set(direction::read, weft::clock::now() + 2ms);
    peers.join();
    EXPECT_TRUE(ended);
  });
}

TEST_P(poll_deadline, moved_later_or_taken_away_the_first_one_does_not_come) {
  here([] {
    drained_readiness r;
    const auto first = weft::clock::now() + 3ms, second = first + 12ms;
    r.set(direction::read, first);
    r.set(direction::read, second);
    r.set(direction::write, first);
    r.clear(direction::write);
    EXPECT_EQ(r.wait(direction::read), outcome::timed_out);
    EXPECT_GE(weft::clock::now(), second);
    EXPECT_FALSE(r.expired(direction::write));
  });
}

TEST(poll_deadline, a_new_one_revives_an_expired_direction) {
  drained_readiness r;
  r.set(direction::read, weft::clock::now());
  EXPECT_TRUE(r.expired(direction::read));
  r.set(direction::read, weft::clock::now() + 1h);
  EXPECT_FALSE(r.expired(direction::read));
  weft::sched::ready_list woken;
  r.post(1, weft::poll::post_read, woken);
  EXPECT_EQ(r.wait(direction::read), outcome::ready);
}

// A server moves its deadline on at every request: that must not cost a timer each time.
TEST(poll_deadline, moving_it_on_many_times_arms_it_right) {
  drained_readiness r;
  weft::clock::time_point last;
  for (int i = 0; i < 1000; ++i) {
    last = weft::clock::now() + 2ms;
    r.set(direction::read, last);
  }
  EXPECT_EQ(r.wait(direction::read), outcome::timed_out);
  EXPECT_GE(weft::clock::now(), last);
}

TEST_P(poll_deadline, many_set_at_once_and_the_last_one_counts) {
  here([this] {
    for (int round = 0; round < 50; ++round) {
      drained_readiness r;
      {
        auto setters = crew();
        for (int i = 0; i < 4; ++i)
          setters.start([&, i] {
            for (int k = 0; k < 20; ++k) r.set(direction::read, weft::clock::now() + std::chrono::microseconds(300 * (i + k % 3)));
          });
        setters.join();
      }
      r.clear(direction::read);
      EXPECT_FALSE(r.expired(direction::read));
      const auto when = weft::clock::now() + 200us;
      r.set(direction::read, when);
      EXPECT_EQ(r.wait(direction::read), outcome::timed_out);
      EXPECT_GE(weft::clock::now(), when);
    }
  });
}

}  // namespace
