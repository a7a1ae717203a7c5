#include "sched/nursery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "sched/own_queue.h"

namespace {

using weft::detail::small_kind;
using weft::sched::breed;
using weft::sched::nursery;
using weft::sched::own_queue;
using weft::sched::runnable;

weft::sched::cradle_block cradle;

// The lowest bit marks a newborn.
runnable newborn(std::uintptr_t number) { return runnable(number * 2 + 1); }
runnable goroutine(std::uintptr_t number) { return runnable(number * 2); }

void run(weft::detail::newborn*) {}
constexpr small_kind kinds[] = {{run, 0}, {run, 1}, {run, weft::detail::small_closure_words}};

std::uint64_t word_of(std::uint64_t id, std::uint32_t i) { return id * 1'000'003 + i; }

void push_sibling(nursery& n, const small_kind& kind, std::uint64_t id, const void* site = nullptr) {
  std::uint64_t closure[weft::detail::small_closure_words];
  for (std::uint32_t i = 0; i < kind.words; ++i) closure[i] = word_of(id, i);
  const breed b{&kind, site, nullptr, 7};
  n.make_room_for_sibling();
  if (!n.is_one_more(b, id) || !n.try_add_closure(closure)) n.begin_litter(b, id, closure);
}

// Of those made above: words that are no addresses, or newborns with their number for an id and in each word of the closure.
std::uintptr_t number(runnable work) {
  constexpr std::uintptr_t no_address = 1 << 20;  // some programs begin right above
  if (work.word() < no_address) return work.word() / 2;
  weft::detail::newborn& n = *work.as_newborn();
  const auto* site = static_cast<const small_kind*>(n.start_site);
  const std::uint32_t words = site ? site->words : 0;
  const auto* closure = static_cast<const std::uint64_t*>(weft::detail::newborn_closure(&n));
  for (std::uint32_t i = 0; i < words; ++i) EXPECT_EQ(closure[i], word_of(n.id, i)) << "of newborn " << n.id;
  EXPECT_EQ(n.creator, 7u);
  EXPECT_EQ(n.stack_kib, 0u);
  const std::uint64_t id = n.id;
  weft::detail::newborn_release(&n);
  return id;
}

TEST(nursery, serves_the_newest_batch_first_and_each_batch_in_order) {
  nursery n;
  for (std::uintptr_t i = 1; i <= 3; ++i) n.push(newborn(i));
  n.close_batch();
  for (std::uintptr_t i = 4; i <= 6; ++i) n.push(newborn(i));
  n.close_batch();
  for (std::uintptr_t expected : {4, 5, 6, 1, 2, 3}) EXPECT_EQ(number(n.pop(cradle)), expected);
  EXPECT_FALSE(n.pop(cradle));
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

TEST(nursery, siblings_share_what_they_have_in_common) {
  nursery n;
  int a, b;
  for (std::uint64_t id = 1; id <= 1'000'000; ++id) push_sibling(n, kinds[0], id, id <= 500'000 ? &a : &b);
  n.close_batch();
  EXPECT_LT(n.bytes(), 20'000u) << "a litter holds 65,535, and closures without content take no words";
  for (std::uint64_t id = 1; id <= 1'000'000; ++id) {
    const runnable got = n.pop(cradle);
    ASSERT_EQ(got.as_newborn()->id, id);
    ASSERT_EQ(got.as_newborn()->start_site, id <= 500'000 ? &a : &b);
  }
  EXPECT_TRUE(n.empty());
}

TEST(nursery, siblings_with_the_same_closure_share_it) {
  nursery n;
  const small_kind kind{run, 2};
  const breed b{&kind, nullptr, nullptr, 7};
  const std::uint64_t closure[] = {11, 12};
  for (std::uint64_t id = 1; id <= 1'000'000; ++id) {
    n.make_room_for_sibling();
    if (!n.is_one_more(b, id) || !n.try_add_closure(closure)) n.begin_litter(b, id, closure);
  }
  n.close_batch();
  EXPECT_LT(n.bytes(), 20'000u);
  for (std::uint64_t id = 1; id <= 1'000'000; ++id) {
    const runnable got = n.pop(cradle);
    ASSERT_EQ(got.as_newborn()->id, id);
    ASSERT_EQ(cradle.closure[0], 11u);
    ASSERT_EQ(cradle.closure[1], 12u);
  }
  EXPECT_TRUE(n.empty());
}

// Runs of equal closures and of different ones, in any order, served from either end.
TEST(nursery, each_sibling_has_its_own_closure_where_some_are_alike) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    nursery n;
    const small_kind kind{run, 1};
    const breed b{&kind, nullptr, nullptr, 7};
    std::deque<std::uint64_t> expected;  // closures; ids are consecutive
    std::uint64_t id = 0, content = 0;
    const unsigned change = 1 + seed % 4;  // of ten
    for (int step = 0; step < 5'000; ++step) {
      if (random() % 3 != 0) {
        if (random() % 10 < change) content = random() % 3;
        n.make_room_for_sibling();
        if (!n.is_one_more(b, ++id) || !n.try_add_closure(&content)) n.begin_litter(b, id, &content);
        expected.push_back(content);
      } else if (!expected.empty()) {
        const runnable got = n.pop_oldest();
        ASSERT_EQ(got.as_newborn()->id, id - expected.size() + 1);
        ASSERT_EQ(*static_cast<std::uint64_t*>(weft::detail::newborn_closure(got.as_newborn())), expected.front());
        weft::detail::newborn_release(got.as_newborn());
        expected.pop_front();
      }
    }
    std::size_t listed = 0;
    n.for_each([&](runnable work) {
      const auto* closure = static_cast<const std::uint64_t*>(weft::detail::newborn_closure(work.as_newborn()));
      ASSERT_EQ(*closure, expected[listed++]);
    });
    EXPECT_EQ(listed, expected.size());
    n.close_batch();
    for (; !expected.empty(); expected.pop_front()) {
      ASSERT_EQ(n.pop(cradle).as_newborn()->id, id - expected.size() + 1);
      ASSERT_EQ(cradle.closure[0], expected.front());
    }
    EXPECT_TRUE(n.empty());
  }
}

TEST(nursery, siblings_with_gaps_in_their_ids_or_others_between_them_keep_their_order) {
  nursery n;
  for (const std::uint64_t id : {3, 4, 9}) push_sibling(n, kinds[1], id, &kinds[1]);
  n.push(newborn(10));
  for (const std::uint64_t id : {11, 12}) push_sibling(n, kinds[1], id, &kinds[1]);
  n.close_batch();
  for (std::uintptr_t expected : {3, 4, 9, 10, 11, 12}) EXPECT_EQ(number(n.pop(cradle)), expected);
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
        const std::uint32_t kind = random() % 8;  // mostly the same
        if (++last; kind == 7) n.push(newborn(last));
        else push_sibling(n, kinds[kind % 4 % 3], last, &kinds[kind % 4 % 3]);
        open.push_back(last);
        ++live;
      } else if (what == push_weight) {
        n.close_batch();
        close();
      } else if (what == push_weight + 1) {
        n.close_batch();
        close();
        const runnable got = n.pop(cradle);
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
      if (step % 100 == 0) {
        closed.push_back(open);
        std::vector<std::uintptr_t> listed, expected;
        n.for_each([&](runnable work) { listed.push_back(number(work)); });
        for (const auto& batch : closed) expected.insert(expected.end(), batch.begin(), batch.end());
        closed.pop_back();
        ASSERT_EQ(listed, expected);
      }
    }
  }
}

TEST(own_queue, newborns_and_goroutines_are_served_in_turns) {
  own_queue q;
  for (std::uintptr_t i = 1; i <= 3; ++i) {
    q.push(goroutine(i));
    q.push_child(newborn(10 + i));
  }
  for (std::uintptr_t expected : {11, 1, 12, 2, 13, 3}) EXPECT_EQ(number(q.pop(cradle)), expected);
  EXPECT_TRUE(q.empty());
}

TEST(own_queue, who_yields_goes_behind_what_it_has_started) {
  own_queue q;
  q.push_child(newborn(1));
  q.push_child(newborn(2));
  q.line_up_children();
  q.push(goroutine(3));
  for (std::uintptr_t expected : {1, 2, 3}) EXPECT_EQ(number(q.pop(cradle)), expected);
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
  for (std::uintptr_t expected : {2, 3}) EXPECT_EQ(number(q.pop(cradle)), expected);
}

}  // namespace
