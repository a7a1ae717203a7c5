// Exceptions belong to the goroutine: what is being handled and how many are in flight travel with it between workers.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

class exceptions_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(exceptions_everywhere);

namespace {

// Parks or runs others when it is destroyed, as a destructor that sends or locks does.
struct parks_in_destructor {
  int expected_in_flight;
  ~parks_in_destructor() {
    EXPECT_EQ(std::uncaught_exceptions(), expected_in_flight);
    support::let_others_run(20);
    EXPECT_EQ(std::uncaught_exceptions(), expected_in_flight);
    try {
      parks_and_throws();
    } catch (const std::logic_error&) {
      EXPECT_EQ(std::uncaught_exceptions(), expected_in_flight);
    }
  }
  void parks_and_throws() const {
    support::let_others_run(5);
    throw std::logic_error("inner");
  }
};

void catch_park_rethrow(int i) {
  const std::string text = "exception " + std::to_string(i);
  try {
    try {
      throw std::runtime_error(text);
    } catch (const std::runtime_error& e) {
      support::let_others_run(20);  // others throw and catch theirs in between, on this worker too
      EXPECT_EQ(text, e.what());
      throw;
    }
  } catch (const std::exception& e) {
    EXPECT_EQ(text, e.what());
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }
  EXPECT_EQ(std::current_exception(), nullptr);
}

}  // namespace

TEST_P(exceptions_everywhere, park_inside_catch_then_rethrow) {
  here([&] {
    auto peers = crew();
    for (int i = 1; i <= 8; ++i) {
      peers.start([i] {
        for (int k = 0; k < 10; ++k) catch_park_rethrow(100 * i + k);
      });
    }
    for (int k = 0; k < 10; ++k) catch_park_rethrow(k);
  });
}

TEST_P(exceptions_everywhere, a_fresh_goroutine_starts_without_a_current_exception) {
  here([&] {
    try {
      throw std::runtime_error("handled by the creator");
    } catch (...) {
      auto peers = crew();
      for (int i = 0; i < 4; ++i) {
        peers.start([] {
          EXPECT_EQ(std::current_exception(), nullptr);
          EXPECT_EQ(std::uncaught_exceptions(), 0);
        });
      }
      peers.join();
      EXPECT_NE(std::current_exception(), nullptr);
    }
  });
}

TEST_P(exceptions_everywhere, uncaught_exceptions_is_right_in_destructors_that_park_during_unwinding) {
  here([&] {
    auto peers = crew();
    for (int i = 0; i < 6; ++i) {
      peers.start([] {
        for (int k = 0; k < 10; ++k) {
          try {
            parks_in_destructor unwound{1};
            throw std::runtime_error("outer");
          } catch (const std::runtime_error& e) {
            EXPECT_STREQ(e.what(), "outer");
          }
          parks_in_destructor left_normally{0};
        }
      });
    }
  });
}

TEST_P(exceptions_everywhere, nested_handlers_keep_their_order_across_parks) {
  here([&] {
    const auto nest = [](auto& self, int depth) -> void {
      if (depth == 0) return;
      try {
        throw depth;
      } catch (int outer) {
        weft::yield();
        self(self, depth - 1);
        weft::yield();
        EXPECT_EQ(outer, depth);
        try {
          throw;
        } catch (int again) {
          EXPECT_EQ(again, depth);
        }
      }
    };
    auto peers = crew();
    for (int i = 0; i < 4; ++i) peers.start([&] { nest(nest, 12); });
    nest(nest, 12);
  });
}

TEST_P(exceptions_everywhere, an_exception_pointer_travels_through_a_channel) {
  here([&] {
    weft::chan<std::exception_ptr> failures;
    auto peers = crew();
    peers.start([failures] {
      try {
        throw std::out_of_range("far away");
      } catch (...) {
        failures.send(std::current_exception());
      }
    });
    try {
      std::rethrow_exception(*failures.recv());
    } catch (const std::out_of_range& e) {
      EXPECT_STREQ(e.what(), "far away");
    }
  });
}

TEST(exceptions, misuse_thrown_in_a_goroutine_unwinds_its_frames) {
  bool destroyed = false;
  support::on_goroutine([&] {
    struct guard {
      bool& flag;
      ~guard() { flag = true; }
    };
    weft::chan<int> ch;
    ch.close();
    try {
      guard g{destroyed};
      ch.send(1);
    } catch (const weft::misuse&) {
      EXPECT_TRUE(destroyed);
    }
  });
  EXPECT_TRUE(destroyed);
}
