// What is due fires batch by batch, in order of deadline: sched/timers.h.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "sched/timers.h"

namespace {

namespace sched = weft::sched;

std::vector<std::int64_t> fired;

void note(sched::timer_node* node) {
  fired.push_back(node->when_ns);
  sched::done_firing(static_cast<sched::timer&>(*node));
}

TEST(timer_set, a_batch_is_64_at_most_the_earliest_first) {
  constexpr std::int64_t due = 150, later = 10, spacing_ns = 1'000;
  fired.clear();
  sched::timer_set timers;
  std::deque<sched::timer> all;
  for (std::int64_t i = due + later; i > 0; --i) timers.arm(all.emplace_back(sched::timer_kind_of<note>), i * spacing_ns);
  const std::int64_t now = due * spacing_ns;
  EXPECT_EQ(timers.fire_batch(now), 64u);
  ASSERT_EQ(fired.size(), 64u);
  EXPECT_EQ(fired.back(), 64 * spacing_ns);
  EXPECT_TRUE(timers.due(now)) << "the rest is not forgotten";
  EXPECT_EQ(timers.fire_due(now), 86u);
  ASSERT_EQ(fired.size(), 150u);
  for (std::int64_t i = 0; i < due; ++i) EXPECT_EQ(fired[static_cast<std::size_t>(i)], (i + 1) * spacing_ns);
  EXPECT_EQ(timers.fire_batch(now), 0u);
  for (sched::timer& each : all) timers.disarm(each);
}

}  // namespace
