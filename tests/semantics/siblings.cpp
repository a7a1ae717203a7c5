// Goroutines of one kind wait to be run in one record: each has a closure and an identity of its own, whoever runs it.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace {

// Who ran, in any order.
class roll {
 public:
  explicit roll(int size) : seen_(static_cast<std::size_t>(size)) {}
  void call(int number) {
    EXPECT_EQ(seen_.at(static_cast<std::size_t>(number)).fetch_add(1), 0) << number << " ran twice";
    const std::lock_guard hold(lock_);
    EXPECT_TRUE(ids_.insert(weft::goroutine_id()).second) << "two goroutines with one id";
  }
  void expect_complete() {
    for (std::size_t i = 0; i < seen_.size(); ++i) EXPECT_EQ(seen_[i].load(), 1) << i << " did not run";
  }

 private:
  std::vector<std::atomic<int>> seen_;
  std::mutex lock_;
  std::set<std::uint64_t> ids_;
};

// A closure of so many words, the last of which must be what the first says.
template <std::size_t words>
void start(weft::wait_group& all, roll& who, int number) {
  std::array<std::size_t, words> ballast;
  for (std::size_t i = 0; i < words; ++i) ballast[i] = static_cast<std::size_t>(number) * 1000 + i;
  all.go([&who, ballast] {
    const std::size_t number = ballast[0] / 1000;
    for (std::size_t i = 0; i < words; ++i) EXPECT_EQ(ballast[i], number * 1000 + i);
    if (number % 5 == 0) weft::yield();
    who.call(static_cast<int>(number));
  });
}

}  // namespace

class siblings : public support::everywhere {};
WEFT_EVERYWHERE(siblings);

TEST_P(siblings, each_runs_once_with_its_own_closure) {
  here([&] {
    constexpr int each = 2000;
    roll who(4 * each);
    weft::wait_group all;
    for (int i = 0; i < each; ++i) start<1>(all, who, i);
    for (int i = each; i < 2 * each; ++i) start<3>(all, who, i);  // the largest that need no block of their own
    for (int i = 2 * each; i < 3 * each; ++i) start<4>(all, who, i);
    for (int i = 3 * each; i < 4 * each; i += 2) {  // two kinds in turns
      start<1>(all, who, i);
      start<2>(all, who, i + 1);
    }
    all.wait();
    who.expect_complete();
  });
}

// Children and grandchildren from the same line: the records of several creators lie above each other.
TEST_P(siblings, of_several_creators_do_not_mix) {
  here([&] {
    std::atomic<int> grandchildren{0};
    weft::wait_group all;
    for (int child = 0; child < 50; ++child)
      all.go([&all, &grandchildren, child] {
        for (int k = 0; k < 20; ++k) {
          all.go([&grandchildren, child] { grandchildren += child; });
          if (k == child % 20) weft::yield();
        }
      });
    all.wait();
    EXPECT_EQ(grandchildren.load(), 20 * (49 * 50 / 2));
  });
}

// With a state of its own, a closure cannot be copied as bytes: it keeps its block.
TEST_P(siblings, closures_with_destructors_are_destroyed_once_each) {
  here([&] {
    auto counted = std::make_shared<int>(0);
    weft::wait_group all;
    for (int i = 0; i < 1000; ++i) all.go([counted] { EXPECT_EQ(*counted, 0); });
    all.wait();
    EXPECT_EQ(counted.use_count(), 1);
  });
}
