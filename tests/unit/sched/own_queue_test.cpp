#include "sched/own_queue.h"

#include <gtest/gtest.h>

#include <array>

namespace {

using weft::sched::goroutine;
using weft::sched::own_queue;
using weft::sched::runnable;
using weft::sched::wait_reason;

// Who is woken while the thread that he parked on has not left his stack yet is in the line without a stack pointer
// (arch/switch.h, A2). UndefinedBehaviorSanitizer is who finds arithmetic with it.
TEST(own_queue, a_long_line_may_hold_sleepers_who_have_not_left_their_stacks_yet) {
  weft::sched::cradle_block cradle;
  std::array<goroutine, 40> sleepers;
  own_queue queue;
  for (goroutine& g : sleepers) {
    g.reason.store(wait_reason::sleep, weft::base::relaxed);
    ASSERT_EQ(g.context.sp.load(weft::base::relaxed), nullptr);
    queue.push(runnable(&g));
  }
  for (goroutine& g : sleepers) EXPECT_EQ(queue.pop(cradle).as_goroutine(), &g);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
