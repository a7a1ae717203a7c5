#include "sched/nursery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "sched/own_queue.h"

namespace {

using weft::sched::nursery;
using weft::sched::own_queue;
using weft::sched::runnable;

// The lowest bit marks a newborn.
runnable newborn(std::uintptr_t number) { return runnable(number * 2 + 1); }
runnable goroutine(std::uintptr_t number) { return runnable(number * 2); }
std::uintptr_t number(runnable work) { return work.word() / 2; }

TEST(nursery, serves_the_newest_batch_first_and_each_batch_in_order) {
  nursery n;
  for (std::uintptr_t i = 1; i <= 3; ++i) n.push(newborn(i));
  n.close_batch();
  for (std::uintptr_t i = 4; i <= 6; ++i) n.push(newborn(i));
  n.close_batch();
  for (std::uintptr_t expected : {4, 5, 6, 1, 2, 3}) EXPECT_EQ(number(n.pop()), expected);
  EXPECT_FALSE(n.pop());
  EXPECT_TRUE(n.empty());
}

TEST(nursery, others_get_the_oldest_also_of_a_batch_that_is_still_growing) {
  nursery n;
  for (std::uintptr_t i = 1; i <= 2; ++i) n.push(newborn(i));
  n.close_batch();
  n.push(newborn(3));
  for (std::uintptr_t expected : {1, 2, 3}) EXPECT_EQ(number(n.pop_oldest()), expected);
  EXPECT_FALSE(n.pop_oldest());
}

// A processor that only starts goroutines, all of which thieves take, stays as small as it was.
TEST(nursery, what_was_taken_from_the_front_is_room_again) {
  nursery n;
  std::uintptr_t started = 0, taken = 0;
  for (; started < 100; ++started) n.push(newborn(started + 1));
  for (int round = 0; round < 100'000; ++round) {
    n.push(newborn(++started));
    ASSERT_EQ(number(n.pop_oldest()), ++taken);
  }
  EXPECT_EQ(n.size(), 100u);
}

// Against lists of lists, with every operation at random.
TEST(nursery, agrees_with_a_list_of_lists) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    nursery n;
    std::deque<std::deque<std::uintptr_t>> closed;
    std::deque<std::uintptr_t> open;
    std::size_t live = 0;
    const auto close = [&] {
      if (!open.empty()) closed.push_back(std::exchange(open, {}));
    };
    const auto take_front = [&](std::deque<std::uintptr_t>& batch) {
      const std::uintptr_t first = batch.front();
      batch.pop_front();
      --live;
      return first;
    };
    std::uintptr_t last = 0;
    const unsigned push_weight = 3 + seed % 5;  // some shrink, some grow beyond the initial room
    for (int step = 0; step < 20'000; ++step) {
      const unsigned what = random() % (push_weight + 4);
      if (what < push_weight) {
        n.push(newborn(++last));
        open.push_back(last);
        ++live;
      } else if (what == push_weight) {
        n.close_batch();
        close();
      } else if (what == push_weight + 1) {
        n.close_batch();
        close();
        const runnable got = n.pop();
        ASSERT_EQ(static_cast<bool>(got), !closed.empty());
        if (!closed.empty()) {
          ASSERT_EQ(number(got), take_front(closed.back()));
          if (closed.back().empty()) closed.pop_back();
        }
      } else if (what == push_weight + 2) {
        const runnable got = n.pop_oldest();
        ASSERT_EQ(static_cast<bool>(got), live != 0);
        if (!closed.empty()) {
          ASSERT_EQ(number(got), take_front(closed.front()));
          if (closed.front().empty()) closed.pop_front();
        } else if (!open.empty()) {
          ASSERT_EQ(number(got), take_front(open));
        }
      } else {
        const runnable got = n.pop_open();
        ASSERT_EQ(static_cast<bool>(got), !open.empty());
        if (!open.empty()) {
          ASSERT_EQ(number(got), take_front(open));
        }
      }
      ASSERT_EQ(n.size(), live);
    }
  }
}

TEST(own_queue, newborns_and_goroutines_are_served_in_turns) {
  own_queue q;
  for (std::uintptr_t i = 1; i <= 3; ++i) {
    q.push(goroutine(i));
    q.push_child(newborn(10 + i));
  }
  for (std::uintptr_t expected : {11, 1, 12, 2, 13, 3}) EXPECT_EQ(number(q.pop()), expected);
  EXPECT_TRUE(q.empty());
}

TEST(own_queue, who_yields_goes_behind_what_it_has_started) {
  own_queue q;
  q.push_child(newborn(1));
  q.push_child(newborn(2));
  q.line_up_children();
  q.push(goroutine(3));
  for (std::uintptr_t expected : {1, 2, 3}) EXPECT_EQ(number(q.pop()), expected);
}

TEST(own_queue, others_get_the_line_first_and_then_the_oldest_newborn) {
  own_queue q;
  q.push_child(newborn(1));
  q.push(goroutine(2));
  for (std::uintptr_t expected : {2, 1}) EXPECT_EQ(number(q.pop_for_others()), expected);
  EXPECT_FALSE(q.pop_for_others());
}

TEST(own_queue, stolen_newborns_come_before_those_that_were_there) {
  own_queue q;
  q.push_child(newborn(1));
  EXPECT_EQ(number(q.pop_for_others()), 1u);
  q.adopt(newborn(2));
  q.adopt(newborn(3));
  for (std::uintptr_t expected : {2, 3}) EXPECT_EQ(number(q.pop()), expected);
}

}  // namespace
