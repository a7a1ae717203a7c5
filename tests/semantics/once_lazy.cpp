// once: the function runs once, everyone who called returns after it. lazy: a value built on first use.
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

#include <weft/weft.h>

#include <atomic>
#include <stdexcept>
#include <string>

class once_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(once_everywhere);

TEST_P(once_everywhere, runs_once_and_nobody_returns_before_it_finished) {
  here([&] {
    weft::once once;
    int runs = 0, plain = 0;
    const auto call = [&] {
      once.call([&] {
        ++runs;
        support::let_others_run(20);  // parks while the others arrive
        plain = 42;
      });
      EXPECT_EQ(plain, 42);
    };
    auto peers = crew();
    for (int i = 0; i < 6; ++i) peers.start(call);
    call();
    peers.join();
    EXPECT_EQ(runs, 1);
  });
}

TEST_P(once_everywhere, after_an_exception_the_next_caller_tries_again) {
  here([&] {
    weft::once once;
    int tries = 0;
    const auto attempt = [&] {
      once.call([&] {
        if (++tries == 1) throw std::runtime_error("first try");
      });
    };
    EXPECT_THROW(attempt(), std::runtime_error);
    attempt();
    attempt();
    EXPECT_EQ(tries, 2);
  });
}

TEST_P(once_everywhere, when_the_first_throws_exactly_one_of_those_who_waited_tries_again) {
  here([&] {
    weft::once once;
    std::atomic<int> tries{0}, threw{0}, returned{0};
    weft::chan<void> fail_now;
    auto peers = crew();
    const auto call = [&] {
      try {
        once.call([&] {
          if (++tries > 1) return;
          fail_now.recv();
          throw std::runtime_error("first try");
        });
        EXPECT_EQ(tries, 2);
        ++returned;
      } catch (const std::runtime_error&) {
        ++threw;
      }
    };
    for (int i = 0; i < 5; ++i) support::start_parked(peers, call);
    EXPECT_EQ(tries, 1);
    fail_now.send();
    peers.join();
    EXPECT_EQ(tries, 2);
    EXPECT_EQ(threw, 1);
    EXPECT_EQ(returned, 4);
    once.call([] { ADD_FAILURE() << "ran a third time"; });
  });
}

// As sync.Once: it counts calls of the once, not of a function.
TEST_P(once_everywhere, another_function_is_not_run_either) {
  here([&] {
    weft::once once;
    int first = 0, second = 0;
    once.call([&] { ++first; });
    once.call([&] { ++second; });
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 0);
  });
}

TEST_P(once_everywhere, lazy_builds_one_value_for_all) {
  here([&] {
    std::atomic<int> built{0};
    weft::lazy<std::string> value([&] {
      ++built;
      weft::yield();
      return std::string("made");
    });
    EXPECT_EQ(built, 0);
    auto peers = crew();
    for (int i = 0; i < 6; ++i) peers.start([&] { EXPECT_EQ(*value, "made"); });
    EXPECT_EQ(value->size(), 4u);
    peers.join();
    EXPECT_EQ(built, 1);
  });
}

TEST(lazy, a_default_made_value_is_value_initialised_and_writable) {
  weft::lazy<int> number;
  EXPECT_EQ(*number, 0);
  *number = 5;
  EXPECT_EQ(*number, 5);
}

TEST(lazy, is_tried_again_when_building_threw) {
  int tries = 0;
  weft::lazy<int> fragile([&] {
    if (++tries == 1) throw std::runtime_error("not yet");
    return 9;
  });
  EXPECT_THROW(*fragile, std::runtime_error);
  EXPECT_EQ(*fragile, 9);
}
