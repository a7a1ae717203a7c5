// Taking and returning stacks: what a cache hands out, in which order, and of which size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "os/memory.h"
#include "process.h"
#include "stack/stack.h"

namespace weft::stack {
namespace {

std::vector<stack_ref> acquire_many(cache& from, std::size_t n) {
  std::vector<stack_ref> stacks(n);
  for (stack_ref& s : stacks) s = from.acquire();
  return stacks;
}
void release_all(cache& to, const std::vector<stack_ref>& stacks) {
  for (const stack_ref s : stacks) to.release(s);
}

TEST(cache, last_released_is_first_acquired) {
  cache mine;
  const stack_ref a = mine.acquire(), b = mine.acquire(), c = mine.acquire();
  mine.release(b);
  mine.release(a);
  mine.release(c);
  ASSERT_EQ(mine.acquire(), c);
  ASSERT_EQ(mine.acquire(), a);
  ASSERT_EQ(mine.acquire(), b);
  release_all(mine, {a, b, c});
}

TEST(cache, default_stack_is_224_KiB_all_of_it_usable) {
  cache mine;
  const stack_ref s = mine.acquire();
  EXPECT_EQ(s.size(), default_size());
  EXPECT_EQ(s.size(), 224u * 1024);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(s.base) % os::page_size(), 0u);
  std::memset(s.base, 0x5a, s.size());
  EXPECT_TRUE(canary_intact(s));
  mine.release(s);
}

TEST(cache, stacks_do_not_overlap_and_have_a_guard_between_them) {
  cache mine;
  auto stacks = acquire_many(mine, 1000);
  std::ranges::sort(stacks, {}, &stack_ref::base);
  for (std::size_t i = 1; i < stacks.size(); ++i) ASSERT_GE(stacks[i].base, stacks[i - 1].top + 3 * 4096);
  release_all(mine, stacks);
}

// A stride of a power of two would put every stack's hottest lines into the same few cache sets.
TEST(cache, tops_of_consecutive_stacks_fall_into_different_cache_sets) {
  if (os::page_size() != 4096) GTEST_SKIP() << "the slot is an odd number of 4 KiB pages";
  cache mine;
  const auto stacks = acquire_many(mine, 64);
  std::set<std::uintptr_t> sets;
  for (const stack_ref s : stacks) sets.insert(reinterpret_cast<std::uintptr_t>(s.top) / 4096 % 64);
  EXPECT_EQ(sets.size(), 64u);
  release_all(mine, stacks);
}

TEST(cache, used_stacks_come_back_before_untouched_ones) {
  cache first, second;
  auto used = acquire_many(first, 100);
  release_all(first, used);
  first.flush();
  auto again = acquire_many(second, 100);
  std::ranges::sort(used, {}, &stack_ref::base);
  std::ranges::sort(again, {}, &stack_ref::base);
  EXPECT_EQ(used, again);
  release_all(second, again);
}

TEST(cache, full_cache_gives_half_to_the_depot_for_others) {
  cache mine;
  const auto stacks = acquire_many(mine, cache::capacity + 1);
  mine.flush();
  const std::size_t dirty = stats().free_dirty;
  release_all(mine, stacks);
  EXPECT_EQ(mine.size(), cache::capacity / 2 + 1);
  EXPECT_EQ(stats().free_dirty, dirty + cache::capacity / 2);
  EXPECT_EQ(stats().live, 0u);
}

TEST(cache, recycled_stack_keeps_its_contents) {
  cache mine;
  const stack_ref s = mine.acquire();
  s.top[-1] = std::byte{77};
  mine.release(s);
  ASSERT_EQ(mine.acquire(), s);
  EXPECT_EQ(s.top[-1], std::byte{77});
  mine.release(s);
}

TEST(cache, first_stack_of_a_program_costs_little) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  trim(true);  // what other tests of this process left
  (void)guard();
  const std::size_t before = test::resident_bytes() + test::status_bytes("VmPTE");
  cache mine;
  const stack_ref s = mine.acquire();
  s.top[-1] = std::byte{1};
  EXPECT_LE(test::resident_bytes() + test::status_bytes("VmPTE"), before + 256 * 1024);
  EXPECT_LE(mine.size(), cache::capacity / 2);
  mine.release(s);
}

TEST(cache, follows_a_change_of_the_default_size_at_once) {
  cache mine;
  const stack_ref old = mine.acquire();
  set_default_size(1 << 20);
  const stack_ref large = mine.acquire();
  EXPECT_EQ(large.size(), std::size_t{1} << 20);
  mine.release(old);  // to its own depot, not into the cache
  const stack_ref another = mine.acquire();
  EXPECT_EQ(another.size(), std::size_t{1} << 20);
  mine.release(another);
  set_default_size(built_in_default_size);
  const stack_ref again = mine.acquire();
  EXPECT_EQ(again, old);
  release_all(mine, {large, again});
  mine.flush();
}

TEST(cache, keeps_few_of_a_large_default_size) {
  set_default_size(64 << 20);
  cache mine;
  const auto stacks = acquire_many(mine, 10);
  release_all(mine, stacks);
  EXPECT_LE(mine.size(), 2u);
  EXPECT_EQ(stats().live, 0u);
  set_default_size(built_in_default_size);
}

TEST(cache, releasing_twice_dies) {
  EXPECT_DEATH(
      {
        cache mine;
        const stack_ref s = mine.acquire();
        mine.release(s);
        mine.release(s);
        mine.flush();
      },
      "released twice");
}

TEST(cache, releasing_what_is_no_stack_dies) {
  alignas(16) static std::byte mine[64 * 1024];
  EXPECT_DEATH(release_sized({mine, mine + sizeof mine}), "no stack");
}

TEST(sized, any_size_is_granted_with_little_rounding) {
  for (const std::size_t asked : {std::size_t{1}, std::size_t{16384}, std::size_t{65536}, std::size_t{100'000},
                                  std::size_t{1'000'000}, 64 * test::MiB, 300 * test::MiB, 3000 * test::MiB}) {
    const stack_ref s = acquire_sized(asked);
    EXPECT_GE(s.size(), asked);
    EXPECT_LE(s.size(), std::max<std::size_t>(16 * 1024, asked + asked / 8 + 2 * os::page_size()));
    s.base[0] = s.top[-1] = std::byte{1};
    EXPECT_EQ(find(s.base).base, s.base);
    EXPECT_EQ(find(s.top - 1).top, s.top);
    EXPECT_TRUE(find(s.base - 1).in_guard);
    release_sized(s);
  }
}

TEST(sized, powers_of_two_are_exact) {
  for (std::size_t bytes = 16 * 1024; bytes <= 256 * test::MiB; bytes *= 2) {
    const stack_ref s = acquire_sized(bytes);
    EXPECT_EQ(s.size(), bytes);
    release_sized(s);
  }
}

TEST(sized, stacks_of_one_size_are_recycled) {
  const stack_ref a = acquire_sized(64 * test::MiB);
  release_sized(a);
  const stack_ref b = acquire_sized(60 * test::MiB + 1);  // the same class
  EXPECT_EQ(a, b);
  release_sized(b);
}

TEST(sized, default_size_shares_its_stacks_with_the_caches) {
  cache mine;
  const stack_ref s = mine.acquire();
  release_sized(s);
  ASSERT_EQ(acquire_sized(default_size()), s);
  mine.release(s);
}

TEST(sized, large_stacks_given_back_keep_bounded_memory) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  const std::size_t before = test::resident_bytes();
  std::vector<stack_ref> stacks(32);
  for (stack_ref& s : stacks) {
    s = acquire_sized(16 * test::MiB);
    std::memset(s.top - 8 * test::MiB, 1, 8 * test::MiB);
  }
  EXPECT_GE(test::resident_bytes(), before + 250 * test::MiB);
  for (const stack_ref s : stacks) release_sized(s);
  EXPECT_LE(test::resident_bytes(), before + 70 * test::MiB);
}

TEST(sized, absurd_size_dies_with_a_message) {
  EXPECT_DEATH(acquire_sized(std::size_t{1} << 50), "beyond any address space");
}

}  // namespace
}  // namespace weft::stack
