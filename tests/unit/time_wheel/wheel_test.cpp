// The timing wheel against a std::multimap, and its promises one by one.
#include "sched/wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using weft::sched::timer_node;
using weft::sched::wheel;

constexpr std::int64_t us = 1'000, ms = 1'000'000, s = 1'000'000'000, hour = 3600 * s;

std::vector<std::int64_t> deadlines(const timer_node* list) {
  std::vector<std::int64_t> out;
  for (; list != nullptr; list = list->next) out.push_back(list->when_ns);
  return out;
}

std::vector<timer_node*> nodes(timer_node* list) {
  std::vector<timer_node*> out;
  for (; list != nullptr; list = list->next) out.push_back(list);
  return out;
}

TEST(wheel, empty_wheel_is_never_due) {
  wheel w;
  EXPECT_TRUE(w.empty());
  EXPECT_EQ(w.next_due(), wheel::never);
  EXPECT_EQ(w.expire(1000 * hour), nullptr);
  EXPECT_EQ(w.expire(wheel::never), nullptr);
}

TEST(wheel, fires_at_its_deadline_and_not_a_nanosecond_before) {
  for (std::int64_t when :
       {1 * us, 65'536L, 3 * ms, 67'108'864L, 10 * s, 70 * s, 25 * hour, 30'000 * hour, 500'000 * hour}) {
    wheel w;
    timer_node n;
    w.add(n, when);
    EXPECT_EQ(w.next_due(), when);
    EXPECT_EQ(w.expire(when - 1), nullptr) << when;
    EXPECT_EQ(w.next_due(), when);
    EXPECT_EQ(w.expire(when), &n) << when;
    EXPECT_TRUE(n.idle());
    EXPECT_TRUE(w.empty());
  }
}

TEST(wheel, past_zero_and_negative_deadlines_are_due_at_once) {
  wheel w(10 * hour);
  timer_node past, zero, negative, lowest;
  w.add(past, 9 * hour);
  w.add(zero, 0);
  w.add(negative, -5);
  w.add(lowest, std::numeric_limits<std::int64_t>::min());
  EXPECT_LE(w.next_due(), -5);
  EXPECT_EQ(nodes(w.expire(10 * hour)), (std::vector{&lowest, &negative, &zero, &past}));
}

TEST(wheel, deadline_at_the_end_of_time_never_hinders_and_is_never_due) {
  wheel w(5 * hour);
  timer_node last, soon;
  w.add(last, wheel::never);
  EXPECT_EQ(w.next_due(), wheel::never);
  w.add(soon, 6 * hour);
  EXPECT_EQ(w.next_due(), 6 * hour);
  EXPECT_EQ(w.expire(7 * hour), &soon);
  EXPECT_EQ(w.expire(wheel::never - 1), nullptr);
  EXPECT_TRUE(w.remove(last));
  EXPECT_TRUE(w.empty());
}

TEST(wheel, equal_deadlines_fire_first_come_first_served) {
  for (std::int64_t when : {std::int64_t{0}, 40 * us, 5 * ms, 2 * s, 3 * hour}) {
    wheel w;
    std::deque<timer_node> all(100);
    std::vector<timer_node*> expected;
    for (timer_node& n : all) {
      w.add(n, when);
      expected.push_back(&n);
    }
    EXPECT_EQ(nodes(w.expire(when)), expected) << when;
  }
}

TEST(wheel, equal_deadlines_added_at_different_distances_keep_their_order) {
  wheel w;
  timer_node from_afar, from_near, late;
  w.add(from_afar, 2 * s);
  EXPECT_EQ(w.expire(2 * s - 100 * us), nullptr);
  w.add(from_near, 2 * s);
  EXPECT_EQ(w.expire(2 * s - 1), nullptr);
  w.add(late, 2 * s);
  EXPECT_EQ(nodes(w.expire(2 * s)), (std::vector{&from_afar, &from_near, &late}));
}

TEST(wheel, expire_lists_in_order_of_deadline_across_levels) {
  wheel w;
  const std::vector<std::int64_t> whens{30 * hour,  70 * ms,    1,       66 * ms, 100 * s,
                                        67'108'864, 67'108'863, 60 * us, 2 * s};
  std::deque<timer_node> all(whens.size());
  for (std::size_t i = 0; i < whens.size(); ++i) w.add(all[i], whens[i]);
  std::vector<std::int64_t> sorted = whens;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(deadlines(w.expire(31 * hour)), sorted);
}

TEST(wheel, remove_says_whether_it_was_queued) {
  wheel w;
  timer_node n;
  EXPECT_FALSE(w.remove(n));
  w.add(n, 5 * s);
  EXPECT_TRUE(w.remove(n));
  EXPECT_FALSE(w.remove(n));
  EXPECT_EQ(w.next_due(), wheel::never);
  w.add(n, 5 * s);
  EXPECT_EQ(w.expire(5 * s), &n);
  EXPECT_FALSE(w.remove(n));
}

TEST(wheel, the_last_one_added_leaves_no_trace_when_it_is_removed) {
  wheel w;
  timer_node stays, leaves;
  w.add(stays, 5 * s);
  w.add(leaves, 5 * s - 10 * us);  // in the same slot, and earlier
  EXPECT_EQ(w.next_due(), 5 * s - 10 * us);
  EXPECT_TRUE(w.remove(leaves));
  EXPECT_EQ(w.next_due(), 5 * s);
  EXPECT_EQ(w.size(), 1u);
  w.add(leaves, 5 * s);
  EXPECT_EQ(nodes(w.expire(5 * s)), (std::vector{&stays, &leaves}));
}

TEST(wheel, removed_from_any_level_or_the_heap_never_fires) {
  wheel w(s);
  const std::vector<std::int64_t> whens{0,          s,        s + 30 * us,     s + 10 * ms,
                                        s + 50 * s, s + hour, s + 9000 * hour, wheel::never};
  for (std::size_t gone = 0; gone < whens.size(); ++gone) {
    wheel fresh(s);
    std::deque<timer_node> all(whens.size());
    for (std::size_t i = 0; i < whens.size(); ++i) fresh.add(all[i], whens[i]);
    EXPECT_TRUE(fresh.remove(all[gone]));
    std::vector<timer_node*> expected;
    for (std::size_t i = 0; i < whens.size(); ++i)
      if (i != gone) expected.push_back(&all[i]);
    EXPECT_EQ(nodes(fresh.expire(wheel::never)), expected) << "without " << gone;
  }
}

TEST(wheel, removing_the_earliest_of_a_slot_costs_few_early_wakeups) {
  wheel w;
  timer_node early, late;
  const std::int64_t base = 20 * hour;  // one slot of level 3 until the position comes near
  w.add(early, base + 3 * s);
  w.add(late, base + 50 * s);
  w.remove(early);
  int wakeups = 0;
  for (std::int64_t now = 0; now < base + 50 * s; ++wakeups) {
    now = w.next_due();
    ASSERT_LE(now, base + 50 * s);
    timer_node* due = w.expire(now);
    EXPECT_EQ(due, now == base + 50 * s ? &late : nullptr);
    ASSERT_LT(wakeups, 5);
  }
}

TEST(wheel, limit_cuts_the_list_and_the_rest_stays_due) {
  wheel w;
  std::deque<timer_node> all(10);
  for (std::size_t i = 0; i < all.size(); ++i) w.add(all[i], static_cast<std::int64_t>(i) * 20 * ms);
  EXPECT_EQ(deadlines(w.expire(s, 3)), (std::vector<std::int64_t>{0, 20 * ms, 40 * ms}));
  EXPECT_LE(w.next_due(), s);
  EXPECT_EQ(w.size(), 7u);
  EXPECT_EQ(w.expire(s, 0), nullptr);
  EXPECT_EQ(nodes(w.expire(s)).size(), 7u);
}

TEST(wheel, time_that_steps_back_fires_nothing_early) {
  wheel w;
  timer_node n;
  EXPECT_EQ(w.expire(10 * s), nullptr);
  w.add(n, 7 * s);
  EXPECT_EQ(w.expire(6 * s), nullptr);
  EXPECT_EQ(w.next_due(), 7 * s);
  EXPECT_EQ(w.expire(7 * s), &n);
}

TEST(wheel, drain_moves_everything_in_order_and_leaves_a_usable_wheel) {
  wheel from(3 * s), to(4 * s);
  std::deque<timer_node> all(5);
  timer_node resident;
  const std::int64_t whens[] = {9 * hour, 3 * s, 5 * s, 5 * s, wheel::never};
  for (int i = 0; i < 5; ++i) from.add(all[i], whens[i]);
  to.add(resident, 6 * s);
  from.drain_into(to);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(to.size(), 6u);
  EXPECT_EQ(nodes(to.expire(wheel::never)), (std::vector{&all[1], &all[2], &all[3], &resident, &all[0], &all[4]}));
  from.add(resident, 5 * s);
  EXPECT_EQ(from.next_due(), 5 * s);
  EXPECT_EQ(from.expire(5 * s - 1), nullptr);
  EXPECT_EQ(from.expire(5 * s), &resident);
}

TEST(wheel_death, adding_a_queued_node_is_caught) {
  wheel w;
  timer_node n;
  w.add(n, s);
  EXPECT_DEATH(w.add(n, s), "timer added twice");
}

// A tick's buckets of 256 ns fire one by one: what is added to one that has been opened, or is late, still comes in order.
TEST(wheel, within_a_tick_each_fires_at_its_nanosecond) {
  constexpr std::int64_t tick = 65'536, start = 1000 * tick;
  wheel w(start);
  std::deque<timer_node> all;
  for (std::int64_t i = 0; i < 2'000; ++i) w.add(all.emplace_back(), start + i * 7'919 % tick);
  std::int64_t now = start, last = 0;
  for (; !w.empty(); now = w.next_due()) {
    EXPECT_EQ(w.expire(now - 1), nullptr) << now;
    if (now == start + 100 * 256) {
      w.add(all.emplace_back(), now + 1);
      w.add(all.emplace_back(), start - tick);
      last = 0;
    }
    for (timer_node* n : nodes(w.expire(now))) {
      EXPECT_LE(last, n->when_ns);
      EXPECT_LE(n->when_ns, now);
      last = n->when_ns;
    }
  }
}

TEST(wheel, removed_from_a_bucket_never_fires_and_leaves_the_others) {
  for (int gone = 0; gone < 3; ++gone) {
    wheel w;
    std::deque<timer_node> three(3);
    timer_node first;
    w.add(first, 10);  // opens its bucket, so that theirs stays one
    for (timer_node& n : three) w.add(n, 5'000);
    EXPECT_TRUE(w.remove(three[static_cast<std::size_t>(gone)]));
    EXPECT_TRUE(three[static_cast<std::size_t>(gone)].idle());
    std::vector<timer_node*> expected{&first};
    for (int i = 0; i < 3; ++i)
      if (i != gone) expected.push_back(&three[static_cast<std::size_t>(i)]);
    EXPECT_EQ(nodes(w.expire(5'000)), expected);
  }
  wheel w;
  timer_node first, only;
  w.add(first, 10);
  w.add(only, 5'000);
  EXPECT_TRUE(w.remove(only));
  EXPECT_EQ(w.expire(10), &first);
  EXPECT_EQ(w.next_due(), wheel::never);
}

// A random life beside a multimap: deadlines and jumps of all scales, cut-off lists, time that stands or steps back.
class model_run {
 public:
  explicit model_run(std::uint64_t seed)
      : random_(seed),
        scales_(random_() % 4 == 0 ? 17 : 20 + random_() % 43),
        now_(static_cast<std::int64_t>(random_() % (1000 * hour))),
        wheel_(now_) {}

  void step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: add(); break;
      case 4:
      case 5: remove(); break;
      default: pass_time(); break;
    }
    ASSERT_EQ(wheel_.size(), reference_.size());
    check_next_due();
  }
  void finish() {
    now_ = wheel::never;
    expire(std::size_t(-1));
    ASSERT_TRUE(wheel_.empty());
  }

 private:
  struct entry : timer_node {
    std::multimap<std::int64_t, entry*>::iterator where;
    bool queued = false;
  };

  std::int64_t distance() {
    const std::uint64_t scale = random_() % scales_;
    return static_cast<std::int64_t>(random_() & ((std::uint64_t{1} << scale) - 1));
  }
  void add() {
    if (idle_.empty()) {
      pool_.emplace_back();
      idle_.push_back(&pool_.back());
    }
    entry* e = idle_.back();
    idle_.pop_back();
    std::int64_t when = random_() % 4 == 0 && !reference_.empty() ? reference_.rbegin()->first  // equal deadlines
                        : random_() % 16 == 0                     ? now_ - distance()
                        : random_() % 64 == 0                     ? wheel::never
                        : now_ > wheel::never / 2                 ? wheel::never - 1
                                                                  : now_ + distance();
    wheel_.add(*e, when);
    e->where = reference_.emplace(when, e);  // among equals, at the end: first come, first served
    e->queued = true;
    live_.push_back(e);
  }
  void remove() {
    if (live_.empty()) return;
    const std::size_t i = random_() % live_.size();
    entry* e = live_[i];
    live_[i] = live_.back();
    live_.pop_back();
    ASSERT_EQ(wheel_.remove(*e), e->queued);
    if (e->queued) reference_.erase(e->where);
    e->queued = false;
    idle_.push_back(e);
  }
  void pass_time() {
    switch (random_() % 8) {
      case 0: break;  // stands still
      case 1: now_ = std::max(now_, wheel_.next_due()); break;
      case 2: now_ -= 100 * us; break;
      default:
        if (now_ < wheel::never / 2) now_ += distance() >> (random_() % 40);
    }
    expire(random_() % 4 == 0 ? random_() % 5 : std::size_t(-1));
  }
  void expire(std::size_t limit) {
    for (timer_node *n = wheel_.expire(now_, limit), *next; n != nullptr; n = next) {
      next = n->next;
      ASSERT_GT(limit--, 0u);
      ASSERT_FALSE(reference_.empty());
      ASSERT_EQ(reference_.begin()->second, n) << "fired out of order";
      ASSERT_LE(n->when_ns, now_);
      ASSERT_TRUE(n->idle());
      static_cast<entry*>(n)->queued = false;
      reference_.erase(reference_.begin());
    }
    if (limit == 0) return;
    ASSERT_TRUE(reference_.empty() || reference_.begin()->first > now_) << "due, but not fired";
    ASSERT_TRUE(reference_.empty() || wheel_.next_due() > now_) << "whoever sleeps until next_due() would never sleep";
  }
  void check_next_due() {
    const std::int64_t truth = reference_.empty() ? wheel::never : reference_.begin()->first;
    ASSERT_LE(wheel_.next_due(), truth);
  }

  std::mt19937_64 random_;
  std::uint64_t scales_;  // distances reach 2^this ns: from two ticks to a century, so that some runs stay small
  std::int64_t now_;
  wheel wheel_;
  std::multimap<std::int64_t, entry*> reference_;
  std::deque<entry> pool_;
  std::vector<entry*> idle_, live_;
};

TEST(wheel, random_life_equals_a_multimap) {
  const char* chosen = std::getenv("WEFT_TEST_SEED");
  std::random_device entropy;
  for (int round = 0; round < (chosen != nullptr ? 1 : 60); ++round) {
    const std::uint64_t seed =
        chosen != nullptr ? std::strtoull(chosen, nullptr, 0) : std::uint64_t{entropy()} << 32 | entropy();
    SCOPED_TRACE("WEFT_TEST_SEED=" + std::to_string(seed));
    model_run run(seed);
    for (int i = 0; i < 4000 && !testing::Test::HasFatalFailure(); ++i) run.step();
    if (!testing::Test::HasFatalFailure()) run.finish();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
