// weft::local: one value per goroutine, made on first use, destroyed with the goroutine, moving with it.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <string>

namespace {

std::atomic<int> alive{0};

struct counted {
  int value = 0;
  counted() { ++alive; }
  ~counted() { --alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
};

weft::local<int> number;
weft::local<counted> tracked;
weft::local<std::string> word;

}  // namespace

class local_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(local_everywhere);

TEST_P(local_everywhere, each_goroutine_and_thread_has_its_own_value) {
  here([&] {
    *number = -1;
    auto peers = crew();
    for (int i = 1; i <= 8; ++i) {
      peers.start([i] {
        EXPECT_EQ(*number, 0);
        *number = i;
        support::let_others_run(10);  // others write theirs, and this may move to another worker
        EXPECT_EQ(*number, i);
      });
    }
    peers.join();
    EXPECT_EQ(*number, -1);
  });
}

TEST_P(local_everywhere, the_value_dies_with_its_goroutine) {
  here([&] {
    const int before = alive;
    auto peers = crew();
    for (int i = 0; i < 5; ++i) peers.start([] { tracked->value = 1; });
    peers.join();
    EXPECT_TRUE(support::eventually([&] { return alive == before; }));
  });
}

TEST(local, a_value_never_touched_is_never_made) {
  const int before = alive;
  support::on_goroutine([&] { EXPECT_EQ(alive, before); });
}

TEST(local, member_access_reaches_the_value) {
  support::on_goroutine([] {
    word->append("ab");
    EXPECT_EQ(word->size(), 2u);
    EXPECT_EQ(*word, "ab");
  });
}

TEST(local, a_recycled_stack_does_not_leak_the_former_goroutines_value) {
  for (int i = 0; i < 50; ++i) {
    support::on_goroutine([i] {
      EXPECT_EQ(*number, 0);
      *number = i + 1;
    });
  }
}
