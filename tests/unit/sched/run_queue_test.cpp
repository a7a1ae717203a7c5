// The queues of a processor: order, growth, and no loss or duplication while thieves are at work.
#include "sched/run_queue.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using weft::sched::private_queue;
using weft::sched::runnable;
using weft::sched::shared_queue;

runnable item(std::uintptr_t n) { return runnable(n * 64); }
std::uintptr_t number(runnable r) { return r.word() / 64; }

TEST(private_queue, is_first_in_first_out_across_growth) {
  private_queue q;
  for (std::uintptr_t i = 1; i <= 100; ++i) q.push(item(i));
  for (std::uintptr_t i = 1; i <= 50; ++i) EXPECT_EQ(number(q.pop()), i);  // head away from zero before it grows
  for (std::uintptr_t i = 101; i <= 5000; ++i) q.push(item(i));
  EXPECT_EQ(q.size(), 4950u);
  for (std::uintptr_t i = 51; i <= 5000; ++i) ASSERT_EQ(number(q.pop()), i);
  EXPECT_FALSE(q.pop());
  EXPECT_TRUE(q.empty());
}

TEST(private_queue, shrinks_only_when_empty_and_works_on) {
  private_queue q;
  for (std::uintptr_t i = 1; i <= 1000; ++i) q.push(item(i));
  q.shrink();
  for (std::uintptr_t i = 1; i <= 1000; ++i) ASSERT_EQ(number(q.pop()), i);
  q.shrink();
  for (std::uintptr_t i = 1; i <= 1000; ++i) q.push(item(i));
  for (std::uintptr_t i = 1; i <= 1000; ++i) ASSERT_EQ(number(q.pop()), i);
}

// Who yields is the last then, however many there are.
TEST(private_queue, the_front_is_replaced_by_one_at_the_end) {
  for (std::uintptr_t there : {1, 2, 256}) {
    private_queue q;
    for (std::uintptr_t i = 1; i <= there; ++i) q.push(item(i));
    for (std::uintptr_t i = 1; i <= 1000; ++i) {
      const private_queue::ends seen = q.look();
      ASSERT_EQ(number(q.front(q.place_of_front(seen))), i);
      q.replace_front(seen, q.place_of_front(seen), item(there + i));
      ASSERT_EQ(q.size(), there);
    }
    for (std::uintptr_t i = 1001; i <= 1000 + there; ++i) ASSERT_EQ(number(q.pop()), i);
    EXPECT_TRUE(q.empty());
  }
}

// A batch of due calls goes back to where it was taken from, also into a ring that is full and at its very beginning.
TEST(private_queue, what_is_pushed_to_the_front_is_next) {
  private_queue q;
  for (std::uintptr_t i = 1000; i >= 1; --i) q.push_front(item(i));
  for (std::uintptr_t i = 1001; i <= 1300; ++i) q.push(item(i));
  EXPECT_EQ(q.size(), 1300u);
  std::uintptr_t seen = 0;
  q.for_each([&](runnable r) { EXPECT_EQ(number(r), ++seen); });
  for (std::uintptr_t i = 1; i <= 1300; ++i) {
    const runnable first = q.pop();
    ASSERT_EQ(number(first), i);
    q.push_front(first);
    ASSERT_EQ(number(q.pop()), i);
  }
  EXPECT_TRUE(q.empty());
}

TEST(shared_queue, refuses_what_does_not_fit_and_keeps_the_order) {
  shared_queue q;
  for (std::uintptr_t i = 1; i <= shared_queue::capacity; ++i) ASSERT_TRUE(q.push(item(i)));
  EXPECT_FALSE(q.push(item(999)));
  for (std::uintptr_t i = 1; i <= shared_queue::capacity; ++i) ASSERT_EQ(number(q.pop()), i);
  EXPECT_FALSE(q.pop());
}

TEST(shared_queue, a_thief_takes_the_older_half) {
  shared_queue q;
  private_queue loot;
  for (std::uintptr_t i = 1; i <= 9; ++i) q.push(item(i));
  EXPECT_EQ(q.steal_half_into(loot), 5u);
  for (std::uintptr_t i = 1; i <= 5; ++i) EXPECT_EQ(number(loot.pop()), i);
  EXPECT_EQ(number(q.pop()), 6u);
}

TEST(shared_queue, every_item_comes_out_exactly_once_under_theft) {
  constexpr std::uintptr_t items = 200'000;
  auto q = std::make_unique<shared_queue>();
  std::vector<std::atomic<int>> seen(items + 1);
  std::atomic<bool> done{false};
  auto note = [&](runnable r) { seen[number(r)].fetch_add(1); };
  std::vector<std::thread> thieves;
  for (int t = 0; t < 2; ++t)
    thieves.emplace_back([&, t] {
      private_queue loot;
      while (!done.load() || q->size() != 0) {
        if (t == 0) {
          if (runnable r = q->pop()) note(r);
        } else {
          q->steal_half_into(loot);
          while (runnable r = loot.pop()) note(r);
        }
      }
    });
  for (std::uintptr_t i = 1; i <= items; ++i)
    while (!q->push(item(i)))
      if (runnable r = q->pop()) note(r);  // the owner consumes too
  done = true;
  for (auto& t : thieves) t.join();
  for (std::uintptr_t i = 1; i <= items; ++i) ASSERT_EQ(seen[i].load(), 1) << "item " << i;
}

}  // namespace
