#include "os/memory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "process.h"

namespace weft::os {
namespace {

struct region {
  explicit region(std::size_t pages, std::size_t alignment = page_size())
      : bytes(pages * page_size()), start(static_cast<char*>(reserve(bytes, alignment))) {}
  ~region() { release(start, bytes); }
  char* page(std::size_t index) const { return start + index * page_size(); }
  memory_range pages(std::size_t first, std::size_t count) const { return {page(first), count * page_size()}; }

  std::size_t bytes;
  char* start;
};

bool has_guard_markers() {
  region probe(1);
  const memory_range range = probe.pages(0, 1);
  return guard({&range, 1}) && is_unreadable(probe.start);
}

TEST(memory, reserve_keeps_the_alignment) {
  for (std::size_t alignment = page_size(); alignment <= 64 * test::MiB; alignment *= 4) {
    region r(3, alignment);
    ASSERT_NE(r.start, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(r.start) % alignment, 0u);
  }
}

TEST(memory, reserve_takes_the_place_of_the_hint_when_it_is_free) {
  auto* both = static_cast<char*>(reserve(2 * test::MiB, test::MiB));
  ASSERT_TRUE(release(both, test::MiB));
  void* below = reserve(test::MiB, test::MiB, both);
  EXPECT_EQ(below, both);
  release(below, 2 * test::MiB);
}

TEST(memory, reserve_refuses_with_nullptr_and_without_errno) {
  errno = 4711;
  EXPECT_EQ(reserve(std::size_t{1} << 62, page_size()), nullptr);
  EXPECT_EQ(errno, 4711);
}

TEST(memory, discarded_pages_read_as_zero_and_leave_the_resident_set) {
  region r(4096);
  for (std::size_t i = 0; i < 4096; ++i) r.page(i)[5] = 1;
  const std::size_t before = test::resident_bytes();
  const memory_range all = r.pages(0, 4096);
  EXPECT_TRUE(discard({&all, 1}));
  EXPECT_LT(test::resident_bytes() + 2048 * page_size(), before);
  for (std::size_t i = 0; i < 4096; ++i) ASSERT_EQ(r.page(i)[5], 0);
}

TEST(memory, a_batch_of_any_length_is_done_to_the_end) {
  region r(600);
  std::vector<memory_range> every_other;
  for (std::size_t i = 0; i < 600; ++i) {
    r.page(i)[0] = 1;
    if (i % 2 == 0) every_other.push_back(r.pages(i, 1));
  }
  const advice_result result = discard(every_other);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.done, 300u);
  for (std::size_t i = 0; i < 600; ++i) ASSERT_EQ(r.page(i)[0], i % 2) << "page " << i;
}

TEST(memory, a_batch_stops_at_the_range_that_fails_and_says_which) {
  if (test::is_distorted()) GTEST_SKIP() << "emulators accept advice on holes";
  region r(8);
  for (std::size_t i = 0; i < 8; ++i) r.page(i)[0] = 1;
  release(r.page(5), page_size());  // a hole
  const memory_range ranges[] = {r.pages(0, 1), r.pages(2, 1), r.pages(5, 1), r.pages(7, 1)};
  errno = 4711;
  const advice_result result = discard(ranges);
  EXPECT_EQ(errno, 4711);
  EXPECT_EQ(result.done, 2u);
  EXPECT_EQ(result.error, ENOMEM);
  EXPECT_EQ(r.page(2)[0], 0);
  EXPECT_EQ(r.page(7)[0], 1);
}

TEST(memory, guarded_pages_fault_and_their_neighbours_do_not) {
  if (!has_guard_markers()) GTEST_SKIP() << "no guard markers in this kernel";
  region r(130);
  std::vector<memory_range> every_other;
  for (std::size_t i = 0; i < 130; i += 2) every_other.push_back(r.pages(i, 1));
  ASSERT_TRUE(guard(every_other));
  for (std::size_t i = 0; i < 130; ++i) ASSERT_EQ(is_unreadable(r.page(i)), i % 2 == 0) << "page " << i;
}

TEST(memory, guards_stay_when_what_surrounds_them_is_discarded) {
  if (!has_guard_markers()) GTEST_SKIP() << "no guard markers in this kernel";
  region r(3);
  const memory_range middle = r.pages(1, 1), all = r.pages(0, 3);
  ASSERT_TRUE(guard({&middle, 1}));
  r.page(0)[0] = r.page(2)[0] = 1;
  ASSERT_TRUE(discard({&all, 1}));
  EXPECT_TRUE(is_unreadable(r.page(1)));
  EXPECT_EQ(r.page(0)[0] + r.page(2)[0], 0);
}

TEST(memory, protected_pages_fault) {
  region r(3);
  EXPECT_EQ(protect(r.page(1), page_size()), 0);
  EXPECT_FALSE(is_unreadable(r.page(0)));
  EXPECT_TRUE(is_unreadable(r.page(1)));
  EXPECT_NE(protect(r.page(1) + 1, page_size()), 0);
}

// Batches name the process by a descriptor on some kernels; a child must not use the one it inherited.
TEST(memory, a_forked_child_discards_its_own_pages_only) {
  region r(2);
  const memory_range ranges[] = {r.pages(0, 1), r.pages(1, 1)};
  ASSERT_TRUE(discard(ranges));
  r.page(0)[0] = r.page(1)[0] = 1;
  const pid_t child = fork();
  if (child == 0) _exit(discard(ranges) && r.page(0)[0] == 0 && r.page(1)[0] == 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(r.page(0)[0] + r.page(1)[0], 2);
}

TEST(memory, limits_are_read) {
  const address_space_limits limits = read_address_space_limits();
  EXPECT_GT(limits.max_map_count, 1000u);
  EXPECT_GE(limits.overcommit, 0);
  EXPECT_LE(limits.overcommit, 2);
}

}  // namespace
}  // namespace weft::os
