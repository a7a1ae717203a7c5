// Walking the stacks in use, and many threads at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "stack/stack.h"

namespace weft::stack {
namespace {

std::set<std::byte*> live_tops() {
  std::set<std::byte*> tops;
  for_each_live([&](std::byte* top, std::byte* base) {
    EXPECT_EQ(find(base).top, top);
    EXPECT_TRUE(tops.insert(top).second) << "reported twice";
  });
  return tops;
}

TEST(walk, reports_exactly_the_stacks_in_use) {
  cache mine, other;
  std::set<std::byte*> expected;
  std::vector<stack_ref> ended;
  for (int i = 0; i < 1500; ++i) {
    const stack_ref s = i % 2 == 0 ? mine.acquire() : other.acquire();
    if (i % 3 == 0) ended.push_back(s);
    else expected.insert(s.top);
  }
  const stack_ref large = acquire_sized(64 << 20);
  expected.insert(large.top);
  for (const stack_ref s : ended) other.release(s);
  EXPECT_EQ(live_tops(), expected);
  EXPECT_EQ(stats().live, expected.size());
  for (std::byte* top : expected) other.release({find(top - 1).base, top});
  EXPECT_EQ(live_tops().size(), 0u);
}

TEST(walk, nothing_is_unmapped_while_it_lasts) {
  cache mine;
  std::vector<stack_ref> stacks(2000);
  for (stack_ref& s : stacks) s = mine.acquire();
  for (std::size_t i = 1; i < stacks.size(); ++i) mine.release(stacks[i]);
  mine.flush();
  const std::size_t slabs = stats().slabs;
  ASSERT_GE(slabs, 5u);
  for_each_live([&](std::byte* top, std::byte*) {
    EXPECT_EQ(top, stacks[0].top);
    trim(true);
    EXPECT_EQ(stats().slabs, slabs);
  });
  trim(true);
  EXPECT_LT(stats().slabs, slabs);
  mine.release(stacks[0]);
}

// The walker reads what an owner may be writing, so these bytes are atomic.
void write_byte(std::byte* at, unsigned value) {
  std::atomic_ref(*at).store(static_cast<std::byte>(value), std::memory_order_relaxed);
}
std::byte read_byte(std::byte* at) { return std::atomic_ref(*at).load(std::memory_order_relaxed); }

// Each stack carries its owner's mark at both ends; nobody else may ever have written there.
class crowd {
 public:
  explicit crowd(unsigned seed) : seed_(seed) {}

  void work(unsigned id, int rounds) {
    std::mt19937 random(seed_ + id);
    cache mine;
    std::vector<stack_ref> held;
    for (int i = 0; i < rounds; ++i) {
      if (held.size() < random() % 200) {
        held.push_back(random() % 16 == 0 ? acquire_sized((random() % 8 + 1) * 40'000) : mine.acquire());
        mark(held.back(), id);
      } else if (!held.empty()) {
        std::swap(held.back(), held[random() % held.size()]);
        check(held.back(), id);
        hand_over_or_release(held.back(), id, random() % 4 == 0, mine);
        held.pop_back();
      }
      if (stack_ref s = take_over(); s) mine.release(s);
    }
    for (const stack_ref s : held) mine.release(s);
  }
  void release_rest() {
    for (const stack_ref s : handed_over_) release_sized(s);
  }
  [[nodiscard]] int damaged() const { return damaged_; }

 private:
  static void mark(stack_ref s, unsigned id) {
    write_byte(s.base, id);
    write_byte(s.top - 1, id);
  }
  void check(stack_ref s, unsigned id) {
    const auto own = static_cast<std::byte>(id);
    if (read_byte(s.base) != own || read_byte(s.top - 1) != own) ++damaged_;
  }
  void hand_over_or_release(stack_ref s, unsigned id, bool hand_over, cache& mine) {
    if (!hand_over) return mine.release(s);
    mark(s, id);
    std::lock_guard guard(lock_);
    handed_over_.push_back(s);
  }
  stack_ref take_over() {
    std::lock_guard guard(lock_);
    if (handed_over_.empty()) return {};
    const stack_ref s = handed_over_.back();
    handed_over_.pop_back();
    return s;
  }

  unsigned seed_;
  std::mutex lock_;
  std::vector<stack_ref> handed_over_;
  std::atomic<int> damaged_{0};
};

TEST(walk, threads_trims_and_walks_do_not_disturb_each_other) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  trim(true);  // other tests left marks of their own
  crowd all(seed);
  std::atomic<bool> done{false};
  std::byte highest_mark{0};
  std::thread monitor([&] {
    for (unsigned i = 0; !done; ++i) {
      trim(i % 8 == 0);
      for_each_live([&](std::byte* top, std::byte* base) {
        highest_mark = std::max({highest_mark, read_byte(base), read_byte(top - 1)});
      });
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> workers;
  for (unsigned id = 1; id <= 4; ++id) workers.emplace_back([&, id] { all.work(id, 400'000); });
  for (std::thread& worker : workers) worker.join();
  done = true;
  monitor.join();
  all.release_rest();
  EXPECT_LE(highest_mark, std::byte{4});
  EXPECT_EQ(all.damaged(), 0);
  EXPECT_EQ(stats().live, 0u);
  EXPECT_EQ(stats().cached, 0u);
  EXPECT_EQ(live_tops().size(), 0u);
}

}  // namespace
}  // namespace weft::stack
