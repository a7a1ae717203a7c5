// Memory: what stacks cost while they are used, and that it comes back.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "os/memory.h"
#include "process.h"
#include "stack/stack.h"

namespace weft::stack {
namespace {

class trimming : public testing::Test {
 protected:
  void SetUp() override { trim(true); }  // what other tests of this process left
  std::vector<stack_ref> touch(std::size_t n) {
    std::vector<stack_ref> stacks(n);
    for (stack_ref& s : stacks) {
      s = mine.acquire();
      s.top[-8] = std::byte{1};
    }
    return stacks;
  }
  void give_up(const std::vector<stack_ref>& stacks) {
    for (const stack_ref s : stacks) mine.release(s);
    mine.flush();
  }
  cache mine;
};

TEST_F(trimming, hundred_thousand_touched_stacks_cost_4600_bytes_each_and_few_mappings) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  if (os::page_size() != 4096) GTEST_SKIP() << "pages are larger";
  constexpr std::size_t n = 100'000;
  std::vector<stack_ref> stacks(n);
  const std::size_t before = test::resident_bytes() + test::status_bytes("VmPTE"), mappings = test::vma_count();
  for (stack_ref& s : stacks) {
    s = mine.acquire();
    s.top[-8] = std::byte{1};
  }
  const std::size_t each = (test::resident_bytes() + test::status_bytes("VmPTE") - before) / n;
  EXPECT_LE(each, guard() == guard_kind::canary ? 4700u : 4600u);
  EXPECT_GE(each, 4096u) << "the measurement is wrong";
  if (guard() == guard_kind::madvise) {
    EXPECT_LE(test::vma_count(), mappings + 400);  // one per slab if nothing merged
  }
  give_up(stacks);
}

TEST_F(trimming, all_memory_comes_back_when_all_is_free) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  const std::size_t before = test::resident_bytes();
  const auto stacks = touch(50'000);
  const std::size_t peak = test::resident_bytes();
  give_up(stacks);
  const std::size_t returned = trim(true);
  EXPECT_GE(returned, 50'000 * os::page_size());
  EXPECT_LE(test::resident_bytes() - before, (peak - before) / 20);
  EXPECT_LE(stats().slabs, 2u);
}

TEST_F(trimming, stacks_in_use_keep_their_contents_while_their_neighbours_go) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  auto stacks = touch(20'000);
  std::vector<stack_ref> kept, ended;
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    std::memcpy(stacks[i].top - 8, &i, sizeof i);
    (i % 10 == 0 ? kept : ended).push_back(stacks[i]);
  }
  const std::size_t peak = test::resident_bytes();
  give_up(ended);
  trim(true);
  EXPECT_LE(test::resident_bytes() + 17'000 * os::page_size(), peak);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    std::size_t mark;
    std::memcpy(&mark, kept[i].top - 8, sizeof mark);
    ASSERT_EQ(mark, 10 * i);
  }
  give_up(kept);
}

TEST_F(trimming, periodic_trim_spares_what_was_used_since_the_last_one) {
  give_up(touch(1000));
  EXPECT_EQ(trim(false), 0u);
  give_up(touch(200));  // the cache takes some more in its last batch
  const std::size_t cold = trim(false) / os::page_size();
  EXPECT_LE(cold, 800u);
  EXPECT_GE(cold, 800u - cache::capacity);
  EXPECT_GE(stats().free_dirty, 200u);
  EXPECT_GE(trim(false) / os::page_size(), 200u);
  EXPECT_EQ(stats().free_dirty, 0u);
}

TEST_F(trimming, stack_that_once_grew_deep_does_not_stay_fat) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  const auto stacks = touch(500);
  for (const stack_ref s : stacks) std::memset(s.base, 1, s.size());
  give_up(stacks);
  const std::size_t fat = test::resident_bytes();
  for (int i = 0; i < 2; ++i) {
    mine.release(mine.acquire());  // a program that goes on with few goroutines
    trim(false);
  }
  EXPECT_LE(test::resident_bytes() + 90 * test::MiB, fat);  // of 109
}

TEST_F(trimming, cache_lets_go_of_what_it_does_not_use) {
  give_up(touch(cache::capacity));
  for (const stack_ref s : touch(cache::capacity)) mine.release(s);
  EXPECT_GE(mine.size(), cache::capacity / 2);
  trim(false);
  mine.release(mine.acquire());
  EXPECT_LE(mine.size(), cache::kept_after_trim);
}

TEST_F(trimming, trimmed_stacks_are_zero_guarded_and_handed_out_again) {
  const auto stacks = touch(2000);
  std::vector<stack_ref> ended(stacks.begin() + 1, stacks.end());  // one stays, so that no slab is unmapped before it
  give_up(ended);
  trim(true);
  for (const stack_ref s : touch(100)) {
    EXPECT_EQ(s.top[-9], std::byte{0});
    EXPECT_TRUE(guard() == guard_kind::canary || os::is_unreadable(s.base - 1));
    mine.release(s);
  }
  mine.release(stacks[0]);
}

TEST_F(trimming, canary_area_is_clean_again_after_a_trim) {
  force_guard(guard_kind::canary);
  const stack_ref keep = acquire_sized(144 * 1024), s = acquire_sized(144 * 1024);
  s.base[-1] = std::byte{1};
  ASSERT_FALSE(canary_intact(s));
  release_sized(s);
  trim(true);
  ASSERT_EQ(acquire_sized(144 * 1024), s);
  EXPECT_TRUE(canary_intact(s));
  release_sized(keep);
  release_sized(s);
}

TEST_F(trimming, low_slabs_fill_first_so_that_high_ones_empty_out) {
  auto stacks = touch(10'000);
  give_up(stacks);
  const auto few = touch(100);  // from the lowest slab
  trim(true);
  EXPECT_LE(stats().slabs, 3u);
  give_up(few);
}

TEST_F(trimming, what_was_mapped_ahead_is_given_back_too) {
  auto stacks = touch(5000);  // 18 slabs: 32 were mapped
  const std::span<const std::byte> ahead = mapped_ahead();
  EXPECT_GE(ahead.size(), std::size_t{512} << 20);
  EXPECT_FALSE(find(ahead.data()).top) << "no stacks there yet";
  for (const stack_ref s : stacks) EXPECT_TRUE(s.top <= ahead.data() || s.base >= ahead.data() + ahead.size());
  give_up(stacks);
  trim(true);
  EXPECT_TRUE(mapped_ahead().empty());
}

TEST_F(trimming, sized_stacks_are_unmapped) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  const std::size_t before = test::status_bytes("VmSize");
  std::vector<stack_ref> stacks(20);
  for (stack_ref& s : stacks) s = acquire_sized(100 * test::MiB);
  EXPECT_GE(test::status_bytes("VmSize"), before + 2000 * test::MiB);
  for (const stack_ref s : stacks) release_sized(s);
  trim(true);
  EXPECT_LE(test::status_bytes("VmSize"), before + 10 * test::MiB);
}

}  // namespace
}  // namespace weft::stack
