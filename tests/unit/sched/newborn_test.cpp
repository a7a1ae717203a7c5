// Blocks for newborns: cut from chunks, shared by caches.
#include "sched/newborn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "sched/fiber.h"

namespace {

using weft::detail::newborn_block_bytes;
using weft::detail::newborn_classes;
using weft::sched::allocate_block;
using weft::sched::free_block;

struct block {
  std::byte* at;
  int size_class;
  [[nodiscard]] std::size_t bytes() const { return newborn_block_bytes[size_class]; }
};

// Sizes in turns, so that neighbours in a chunk are of different ones; many enough for chunks of all sizes.
std::vector<block> take(int each) {
  std::vector<block> taken;
  for (int i = 0; i < each; ++i)
    for (int c = 0; c < newborn_classes; ++c) {
      taken.push_back({static_cast<std::byte*>(allocate_block(c, newborn_block_bytes[c])), c});
      std::memset(taken.back().at, c + 1, taken.back().bytes());
    }
  return taken;
}

void give_back(const std::vector<block>& blocks) {
  for (const block& b : blocks) free_block(b.at, b.size_class);
}

TEST(newborn_blocks, of_all_sizes_and_threads_lie_apart_and_keep_what_is_written) {
  std::vector<block> all, others;
  std::thread other([&] { others = take(5'000); });
  all = take(5'000);
  other.join();
  all.insert(all.end(), others.begin(), others.end());
  std::ranges::sort(all, {}, &block::at);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(all[i].at) % 16, 0u);
    if (i + 1 < all.size()) {
      ASSERT_LE(all[i].at + all[i].bytes(), all[i + 1].at);
    }
    for (std::size_t k = 0; k < all[i].bytes(); ++k) ASSERT_EQ(all[i].at[k], static_cast<std::byte>(all[i].size_class + 1));
  }
  give_back(all);
}

TEST(newborn_blocks, given_back_are_used_again_before_new_ones) {
  if constexpr (weft::sched::has_fibers) GTEST_SKIP() << "each block comes from operator new";
  constexpr auto cached = 2 * weft::sched::newborn_cache::batch * newborn_classes;  // left over by others
  std::set<std::byte*> before;
  const std::vector<block> first = take(2'000);
  for (const block& b : first) before.insert(b.at);
  give_back(first);
  const std::vector<block> second = take(2'000);
  const auto known = std::ranges::count_if(second, [&](const block& b) { return before.contains(b.at); });
  EXPECT_GE(static_cast<std::size_t>(known) + cached, second.size());
  give_back(second);
}

}  // namespace
