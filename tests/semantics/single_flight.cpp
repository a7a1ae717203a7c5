// weft::single_flight: concurrent calls with one key share one execution; nothing is remembered afterwards.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <stdexcept>
#include <string>

class flight_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(flight_everywhere);

TEST_P(flight_everywhere, concurrent_calls_with_one_key_run_once) {
  here([&] {
    weft::single_flight<std::string, int> flights;
    weft::chan<void> started, release;
    std::atomic<int> runs{0}, answered{0};
    auto peers = crew();
    peers.start([&] {
      EXPECT_EQ(flights.call("key", [&] {
        ++runs;
        started.send();
        release.recv();
        return 42;
      }), 42);
    });
    started.recv();  // the flight is in the air
    for (int i = 0; i < 5; ++i) {
      peers.start([&] {
        flights.call("key", [&] { return ++runs; });  // a late caller may fly alone after the landing
        ++answered;
      });
    }
    support::let_others_run();
    EXPECT_EQ(runs, 1);  // whoever has called by now waits for the flight in the air
    EXPECT_EQ(answered, 0);
    release.close();
  });
}

TEST_P(flight_everywhere, different_keys_fly_apart) {
  here([&] {
    weft::single_flight<int, int> flights;
    weft::chan<void> met;
    auto peers = crew();
    peers.start([&] {
      EXPECT_EQ(flights.call(1, [&] {
        met.send();
        return 10;
      }), 10);
    });
    EXPECT_EQ(flights.call(2, [&] {
      met.recv();  // needs the other flight to be running
      return 20;
    }), 20);
  });
}

TEST_P(flight_everywhere, an_exception_reaches_every_caller_and_is_forgotten) {
  here([&] {
    weft::single_flight<int, int> flights;
    EXPECT_THROW(flights.call(1, []() -> int { throw std::runtime_error("crashed"); }), std::runtime_error);
    EXPECT_EQ(flights.call(1, [] { return 3; }), 3);
  });
}

TEST(single_flight, runs_again_when_the_flight_has_landed) {
  weft::single_flight<int, int> flights;
  int runs = 0;
  EXPECT_EQ(flights.call(1, [&] { return ++runs; }), 1);
  EXPECT_EQ(flights.call(1, [&] { return ++runs; }), 2);
}

TEST(single_flight, on_one_processor_every_caller_of_a_flight_shares_it) {
  support::procs_scope one(1);
  weft::single_flight<int, int> flights;
  int runs = 0;
  std::atomic<int> calling{0};  // on one processor, and nothing parks between counting and calling
  support::on_goroutine([&] {
    support::crew callers;
    for (int i = 0; i < 10; ++i) {
      callers.start([&] {
        ++calling;
        EXPECT_EQ(flights.call(7, [&] {
          EXPECT_TRUE(support::eventually([&] { return calling == 10; }));
          support::let_others_run();
          return ++runs;
        }), 1);
      });
    }
  });
  EXPECT_EQ(runs, 1);
}

TEST(single_flight, after_forget_the_next_caller_flies_alone) {
  weft::single_flight<int, int> flights;
  weft::chan<void> started, release;
  support::crew callers;
  callers.start([&] {
    EXPECT_EQ(flights.call(1, [&] {
      started.send();
      release.recv();
      return 1;
    }), 1);
  });
  started.recv();
  flights.forget(1);
  EXPECT_EQ(flights.call(1, [] { return 2; }), 2);
  release.close();
}
