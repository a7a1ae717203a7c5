// single_flight: one execution for concurrent calls of one key, nothing remembered afterwards.
#include <weft/weft.h>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using flights = weft::single_flight<std::string, int>;

// Keys are compared while the table is locked, by every caller that finds a flight in the air: it is about to join.
struct counting_equal {
  static inline std::atomic<int> comparisons = 0;
  bool operator()(const std::string& a, const std::string& b) const {
    ++comparisons;
    return a == b;
  }
};

TEST(single_flight, concurrent_calls_share_one_execution) {
  weft::single_flight<std::string, int, std::hash<std::string>, counting_equal> loads;
  std::atomic<int> executions = 0;
  weft::chan<void> started, release;
  weft::chan<int> answers(5);
  weft::go([&] {
    answers.send(loads.call("key", [&] {
      ++executions;
      started.send();
      release.recv();
      return 42;
    }));
  });
  started.recv();
  counting_equal::comparisons = 0;
  for (int i = 0; i < 3; ++i) weft::go([&] { answers.send(loads.call("key", [&] { return ++executions; })); });
  std::thread from_a_thread([&] { answers.send(loads.call("key", [&] { return ++executions; })); });
  while (counting_equal::comparisons < 4) weft::yield();
  release.close();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answers.recv(), 42);
  from_a_thread.join();
  EXPECT_EQ(executions, 1);
}

TEST(single_flight, different_keys_do_not_wait_for_each_other) {
  flights loads;
  const int inner = loads.call("outer", [&] { return loads.call("inner", [] { return 7; }); });
  EXPECT_EQ(inner, 7);
}

TEST(single_flight, forgets_the_result_when_the_call_is_over) {
  flights loads;
  int executions = 0;
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(loads.call("key", [&] { return ++executions; }), i);
}

TEST(single_flight, an_exception_reaches_everybody_and_the_next_call_tries_again) {
  flights loads;
  weft::chan<void> started, release;
  std::atomic<int> caught = 0;
  weft::wait_group callers;
  callers.go([&] {
    EXPECT_THROW(loads.call("key",
                            [&]() -> int {
                              started.send();
                              release.recv();
                              throw std::runtime_error("broken");
                            }),
                 std::runtime_error);
    ++caught;
  });
  started.recv();
  callers.go([&] {
    try {
      loads.call("key", [] { return 1; });  // late, it runs this instead of joining
    } catch (const std::runtime_error&) {}
    ++caught;
  });
  release.close();
  callers.wait();
  EXPECT_EQ(caught, 2);
  EXPECT_EQ(loads.call("key", [] { return 2; }), 2);
}

TEST(single_flight, forget_lets_the_next_call_run_beside_the_first) {
  flights loads;
  weft::chan<void> started, release;
  weft::chan<int> first(1);
  weft::go([&] {
    first.send(loads.call("key", [&] {
      started.send();
      release.recv();
      return 1;
    }));
  });
  started.recv();
  loads.forget("key");
  EXPECT_EQ(loads.call("key", [] { return 2; }), 2);
  release.close();
  EXPECT_EQ(first.recv(), 1);
}

TEST(single_flight, the_end_of_a_forgotten_flight_leaves_its_successor_alone) {
  flights loads;
  weft::chan<void> started, release_first, release_second;
  weft::chan<int> answers(3);
  const auto fly = [&](int value, weft::chan<void> release) {
    weft::go([&, value, release] {
      answers.send(loads.call("key", [&] {
        started.send();
        release.recv();
        return value;
      }));
    });
    started.recv();
  };
  fly(1, release_first);
  loads.forget("key");
  fly(2, release_second);
  release_first.close();
  EXPECT_EQ(answers.recv(), 1);
  weft::go([&] { release_second.close(); });
  const int joined_or_later = loads.call("key", [] { return 3; });
  EXPECT_TRUE(joined_or_later == 2 || joined_or_later == 3);
  EXPECT_EQ(answers.recv(), 2);
}

}  // namespace
