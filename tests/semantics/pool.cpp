// weft::pool: lends objects, gets them back as they were left, makes new ones when it has none.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

class pool_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(pool_everywhere);

namespace {

std::atomic<int> alive{0};
struct counted {
  int uses = 0;
  counted() { ++alive; }
  counted(counted&& other) noexcept : uses(other.uses) { ++alive; }
  ~counted() { --alive; }
};

}  // namespace

TEST_P(pool_everywhere, an_object_is_lent_to_one_borrower_at_a_time) {
  here([&] {
    weft::pool<std::unique_ptr<std::atomic<int>>> owners([] { return std::make_unique<std::atomic<int>>(0); });
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&] {
        for (int k = 0; k < 100; ++k) {
          auto lent = owners.get();
          EXPECT_EQ((*lent)->fetch_add(1), 0);
          weft::yield();  // may come back on another processor
          (*lent)->fetch_sub(1);
        }
      });
    }
  });
}

TEST(pool, a_returned_object_is_lent_again_as_it_was_left) {
  weft::pool<std::string> buffers;
  const std::string* first = nullptr;
  {
    auto line = buffers.get();
    EXPECT_TRUE(line->empty());
    *line = "left";
    first = &*line;
  }
  auto again = buffers.get();
  EXPECT_EQ(&*again, first);
  EXPECT_EQ(*again, "left");
}

TEST(pool, objects_lent_together_are_different) {
  weft::pool<int> numbers([] { return 5; });
  auto a = numbers.get();
  auto b = numbers.get();
  EXPECT_NE(&*a, &*b);
  EXPECT_EQ(*a + *b, 10);
}

TEST(pool, moving_the_handle_moves_the_loan) {
  weft::pool<int> numbers;
  auto a = numbers.get();
  int* object = &*a;
  auto b = std::move(a);
  EXPECT_EQ(&*b, object);
}

TEST(pool, destroys_what_it_holds_and_bounds_it) {
  {
    weft::pool<counted> objects;
    std::vector<decltype(objects.get())> lent;
    for (int i = 0; i < 10'000; ++i) lent.push_back(objects.get());
    EXPECT_EQ(alive, 10'000);
    lent.clear();
    EXPECT_LT(alive, 10'000);
  }
  EXPECT_EQ(alive, 0);
}
