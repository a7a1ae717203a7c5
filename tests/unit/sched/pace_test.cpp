// When others are told of what waits at a processor: sched/sharing.h, S1 to S3, on a processor that runs nothing.
#include <gtest/gtest.h>

#include <memory>

#include "sched/goroutine.h"
#include "sched/idle.h"
#include "sched/sharing.h"

namespace {

using namespace weft;

constexpr std::int64_t us = 1'000, ms = 1'000 * us;

class busy {
 public:
  explicit busy(std::int64_t turn_ns) : turn_ns_(turn_ns) {
    sched::begin_pace(p_, now_);
    for (int i = 0; i < 40; ++i) decide(64);
  }
  void decide(std::uint32_t times) {
    p_.tick.add_owned(times);
    now_ += times * turn_ns_;
    sched::note_pace(p_, now_);
  }
  void line_up(int count) {
    for (; count > 0; --count) p_.queue.push(sched::runnable(&somebody_));
  }
  void bear(int count) {
    for (; count > 0; --count) p_.queue.push_child(sched::runnable(&newborn_));
  }
  [[nodiscard]] bool wants_help() const { return sched::wants_help(p_); }
  [[nodiscard]] bool probes_after(std::int64_t ns) { return sched::worth_a_probe(p_, now_ + ns); }

 private:
  sched::processor p_{sched::max_processors};
  sched::goroutine somebody_;
  detail::newborn newborn_{};
  std::int64_t now_ = 1;
  const std::int64_t turn_ns_;
};

// 50 us of waiting are worth a wake-up where a turn takes longer than moving does.
TEST(pace, slow_turns_are_shared_as_soon_as_one_waits_for_longer_than_a_wake_takes) {
  busy two_us(2 * us);
  two_us.line_up(24);
  EXPECT_FALSE(two_us.wants_help());
  two_us.line_up(4);
  EXPECT_TRUE(two_us.wants_help());
}

TEST(pace, fast_turns_are_shared_where_the_wait_is_ten_times_as_long) {
  busy fast(us / 5);
  fast.line_up(2400);
  EXPECT_FALSE(fast.wants_help());
  fast.line_up(150);
  EXPECT_TRUE(fast.wants_help());
}

TEST(pace, newborns_with_fast_turns_are_shared_at_once) {
  busy fast(us / 5);
  fast.bear(240);
  EXPECT_FALSE(fast.wants_help());
  fast.bear(20);
  EXPECT_TRUE(fast.wants_help());
}

TEST(pace, who_waits_is_told_of_once_a_millisecond_however_fast_the_turns) {
  busy fast(us / 5);
  fast.line_up(100);
  EXPECT_TRUE(fast.probes_after(2 * ms));
  EXPECT_FALSE(fast.probes_after(2 * ms + 1));
  EXPECT_TRUE(fast.probes_after(4 * ms));
}

}  // namespace
