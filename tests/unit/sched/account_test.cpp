// sched/account.h, AC1 to AC5: whatever accounts are opened, handed out and closed, a group is at zero exactly when none of
// its goroutines is left.
#include "sched/account.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using weft::detail::group;
using weft::sched::account;
using weft::sched::leave_group;

int released = 0;
std::int64_t counter_of(const group& g) { return group::counter(g.state.load(weft::base::relaxed)); }

struct counted : group {
  counted() : group([](group&) noexcept { ++released; }) {}
};

TEST(account, the_second_birth_in_a_row_opens_it_and_further_ones_leave_the_counter_alone) {
  counted g;
  account a;
  for (int i = 0; i < 100; ++i) a.enters(g);
  EXPECT_EQ(a.balance, 99u);
  EXPECT_EQ(counter_of(g), 2);  // the first, and the account's
}

TEST(account, births_into_two_groups_in_turn_are_counted_in_the_groups) {
  counted one, other;
  account a;
  for (int i = 0; i < 10; ++i) {
    a.enters(one);
    a.enters(other);
  }
  EXPECT_EQ(counter_of(one), 10);
  EXPECT_EQ(counter_of(other), 10);
}

TEST(account, who_gets_away_is_counted_before) {
  counted g;
  account a;
  for (int i = 0; i < 10; ++i) a.enters(g);
  a.hand_out(4);
  EXPECT_EQ(a.balance, 5u);
  EXPECT_EQ(counter_of(g), 6);
  a.hand_out(1000);
  EXPECT_EQ(a.balance, 0u);
  EXPECT_EQ(counter_of(g), 10);
}

TEST(account, the_last_one_here_releases_the_waiters) {
  counted g;
  account a;
  for (int i = 0; i < 3; ++i) a.enters(g);
  g.state.fetch_add(1, weft::base::relaxed);  // somebody waits
  released = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(released, 0);
    EXPECT_EQ(leave_group(&a, g), nullptr);
  }
  EXPECT_EQ(released, 1);
}

// Two processors, two groups, any order of births, thefts, parks and ends, against a plain count.
TEST(account, zero_is_zero_in_any_order_of_events) {
  std::mt19937 random(20261);
  for (int round = 0; round < 2000; ++round) {
    counted groups[2];
    account accounts[2];
    // [group][place]: newborns or running at processor 0 or 1; 2: parked or elsewhere.
    int members[2][3] = {};
    for (int step = 0; step < 60; ++step) {
      const auto g = random() % 2, p = random() % 2;
      int* here = &members[g][p];
      switch (random() % 5) {
        case 0:
        case 1: accounts[p].enters(groups[g]), ++*here; break;
        case 2:  // the other processor takes one of some group
          if (*here > 0) accounts[p].hand_out(1), --*here, ++members[g][1 - p];
          break;
        case 3:  // one parks
          if (*here > 0) {
            if (accounts[p].group == &groups[g]) accounts[p].hand_out(1);
            --*here, ++members[g][2];
          }
          break;
        case 4:  // one ends, here or after it was parked
          if (int* from = *here > 0 ? here : &members[g][2]; *from > 0) {
            EXPECT_EQ(leave_group(&accounts[p], groups[g]), nullptr);
            --*from;
          }
          break;
      }
      for (int i = 0; i < 2; ++i) {
        const int alive = members[i][0] + members[i][1] + members[i][2];
        ASSERT_EQ(counter_of(groups[i]) == 0, alive == 0) << "AC3, round " << round << " step " << step;
        for (const account& a : accounts)
          if (a.group == &groups[i]) {
            ASSERT_LE(a.balance, static_cast<unsigned>(members[i][&a - accounts])) << "AC2";
          }
      }
    }
  }
}

}  // namespace
