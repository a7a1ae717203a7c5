// testing::explore: finds what is planted, passes what is correct, replays from the seed.
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"
#include "testing/planted.h"

#include <gmock/gmock.h>
#include <weft/testing.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <sstream>

namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::schedule_failure;
using weft::testing::strategy;

template <class F>
std::optional<schedule_failure> failure_of(explore_options options, F f) {
  try {
    explore(options, f);
  } catch (const schedule_failure& e) {
    return e;
  }
  return std::nullopt;
}

// The same again, as WEFT_SEED would run it, but in this process.
std::string trace_of_child(const std::string& scenario, const std::string& seed) {
  const std::string path = testing::TempDir() + "/weft_trace_" + scenario + "_" + std::to_string(getpid());
  support::run_child(scenario, {"WEFT_SEED=" + seed, "WEFT_SEED_TRACE=" + path});
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::remove(path.c_str());
  return text.str();
}

// --- the planted bugs ----------------------------------------------------------------------------

class planted_bug : public testing::TestWithParam<planted::program> {};
INSTANTIATE_TEST_SUITE_P(is, planted_bug, testing::ValuesIn(planted::programs),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(planted_bug, found_within_1000_schedules_from_every_seed_by_random_and_by_pct) {
  for (strategy how : {strategy::random, strategy::pct, strategy::mixed}) {
    std::string found_after;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const auto failure = failure_of({.schedules = 1000, .seed = seed, .strategy = how}, GetParam().broken);
      ASSERT_TRUE(failure) << "seed " << seed;
      EXPECT_THAT(failure->what(), HasSubstr(GetParam().says));
      EXPECT_THAT(failure->what(), HasSubstr("WEFT_SEED=" + failure->seed()));
      found_after += " " + std::to_string(failure->schedule());
    }
    const char* const names[] = {"mixed", "random", "pct"};
    std::printf("%s, %s: found by schedule%s\n", GetParam().name, names[static_cast<int>(how)], found_after.c_str());
  }
}

TEST_P(planted_bug, corrected_program_passes_all_1000) {
  for (std::uint64_t seed : {1, 2, 3}) {
    const auto all = explore({.schedules = 1000, .seed = seed}, GetParam().correct);
    EXPECT_EQ(all.schedules, 1000u);
  }
}

// Children: what WEFT_SEED does in another process.
int explore_broken(const char* name) {
  for (const auto& p : planted::programs)
    if (name == std::string(p.name)) {
      try {
        explore({.schedules = 1000, .seed = 42}, p.broken);
      } catch (const schedule_failure& e) {
        std::puts(e.what());
        return 1;
      }
    }
  return 0;
}
WEFT_CHILD(lost_update) { return explore_broken("lost_update"); }
WEFT_CHILD(lock_order) { return explore_broken("lock_order"); }
WEFT_CHILD(forgotten_wake) { return explore_broken("forgotten_wake"); }
WEFT_CHILD(send_after_close) { return explore_broken("send_after_close"); }
WEFT_CHILD(group_misuse) { return explore_broken("group_misuse"); }

TEST_P(planted_bug, replays_from_its_seed_with_the_same_bytes_in_another_process) {
  for (strategy how : {strategy::random, strategy::pct}) {
    const auto failure = failure_of({.schedules = 1000, .seed = 7, .strategy = how}, GetParam().broken);
    ASSERT_TRUE(failure);
    const std::string first = trace_of_child(GetParam().name, failure->seed());
    const std::string again = trace_of_child(GetParam().name, failure->seed());
    EXPECT_EQ(first, failure->trace());
    EXPECT_EQ(first, again);
    const auto child = support::run_child(GetParam().name, {"WEFT_SEED=" + failure->seed()});
    EXPECT_EQ(child.exit_status, 1);
    EXPECT_THAT(child.out, HasSubstr("the replayed schedule failed"));
    EXPECT_THAT(child.out, HasSubstr(GetParam().says));
  }
}

TEST(pct, finds_an_order_of_depth_two_that_uniform_choice_does_not) {
  int random_found = 0;
  std::string pct_after;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto program = planted::rare_order<20>;
    const auto by_pct = failure_of({.schedules = 1000, .seed = seed, .strategy = strategy::pct, .depth = 2}, program);
    ASSERT_TRUE(by_pct) << "seed " << seed;
    pct_after += " " + std::to_string(by_pct->schedule());
    random_found += failure_of({.schedules = 1000, .seed = seed, .strategy = strategy::random}, program).has_value();
  }
  std::printf("pct of depth 2: found by schedule%s; random: in %d of 10 explorations of 1000\n", pct_after.c_str(),
              random_found);
  EXPECT_EQ(random_found, 0);  // 40 steps of one goroutine in a row: 10,000 * 2^-40
}

// --- what decides --------------------------------------------------------------------------------

TEST(exploration, same_seed_same_trace_other_seed_other_trace) {
  const auto program = [] {
    weft::chan<int> ch(1);
    weft::wait_group wg;
    for (int i = 0; i < 3; ++i) wg.go([&, i] { ch.send(i); });
    for (int i = 0; i < 3; ++i) ch.recv();
    wg.wait();
  };
  std::set<std::string> traces;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::string first, second;
    explore({.schedules = 3, .seed = seed, .trace = &first}, program);
    explore({.schedules = 3, .seed = seed, .trace = &second}, program);
    EXPECT_EQ(first, second);
    traces.insert(first);
  }
  EXPECT_EQ(traces.size(), 20u);
}

TEST(exploration, trace_reads_like_this) {
  std::string trace;
  explore({.schedules = 1, .seed = 3, .strategy = strategy::random, .trace = &trace}, [] {
    weft::chan<int> ch;
    weft::go({.name = "reader"}, [ch] { ch.recv(); });
    weft::sleep(1500ms);
    ch.send(1);
  });
  EXPECT_THAT(trace, testing::StartsWith("seed random:0x"));
  EXPECT_THAT(trace, HasSubstr("g1 starts: explore\n"));
  EXPECT_THAT(trace, HasSubstr("g2 starts by g1: reader\n"));
  EXPECT_THAT(trace, HasSubstr("g1 at go: "));
  EXPECT_THAT(trace, HasSubstr(" of g1 g2\n"));
  EXPECT_THAT(trace, HasSubstr("clock 1.500000000\n"));
  EXPECT_THAT(trace, AnyOf(HasSubstr("g2 in chan receive: g1\n"), HasSubstr("g1 in sleep: g2\n")));
}

TEST(exploration, random_numbers_ids_and_time_follow_from_the_seed) {
  std::vector<std::string> runs;
  const auto program = [&] {
    std::ostringstream seen;
    seen << weft::goroutine_id() << ' ' << weft::clock::now().time_since_epoch().count();
    weft::chan<int> a(20), b(20);
    for (int i = 0; i < 20; ++i) a.send(0), b.send(1);
    for (int i = 0; i < 20; ++i) {
      auto x = weft::on_recv(a);
      auto y = weft::on_recv(b);
      seen << ' ' << weft::select(x, y);
    }
    weft::wait_group wg;
    for (int i = 0; i < 3; ++i) wg.go([&] { seen << ' ' << weft::goroutine_id(); });
    wg.wait();
    runs.push_back(seen.str());
  };
  explore({.schedules = 10, .seed = 5}, program);
  explore({.schedules = 10, .seed = 5}, program);
  ASSERT_EQ(runs.size(), 20u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(runs[i], runs[i + 10]);
  EXPECT_GT(std::set(runs.begin(), runs.end()).size(), 5u);
}

TEST(exploration, both_orders_of_two_unordered_operations_occur_and_nothing_forbidden) {
  std::set<std::string> orders;
  explore({.schedules = 200}, [&] {
    std::string order;
    weft::wait_group wg;
    weft::mutex m;
    for (char name : {'a', 'b', 'c'})
      wg.go([&, name] {
        std::lock_guard hold(m);
        order += name;
      });
    wg.wait();
    orders.insert(order);
  });
  EXPECT_EQ(orders, (std::set<std::string>{"abc", "acb", "bac", "bca", "cab", "cba"}));
}

TEST(exploration, one_goroutine_runs_at_a_time_on_any_number_of_processors) {
  support::procs_scope procs(8);
  explore({.schedules = 50}, [] {
    int inside = 0, total = 0;  // plain memory: the exploration serialises
    weft::wait_group wg;
    for (int i = 0; i < 6; ++i)
      wg.go([&] {
        for (int k = 0; k < 10; ++k) {
          EXPECT_EQ(++inside, 1);
          ++total;
          EXPECT_EQ(--inside, 0);
          weft::testing::point();
        }
      });
    wg.wait();
    EXPECT_EQ(total, 60);
  });
}

TEST(exploration, point_is_where_plain_memory_races_show) {
  const auto race = [] {
    int counter = 0;
    weft::wait_group wg;
    for (int i = 0; i < 2; ++i)
      wg.go([&] {
        const int seen = counter;
        weft::testing::point();
        counter = seen + 1;
      });
    wg.wait();
    planted::require(counter == 2, "raced");
  };
  const auto failure = failure_of({}, race);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->what(), HasSubstr("raced"));
}

TEST(exploration, an_hour_of_sleeps_takes_milliseconds_here_too) {
  const auto before = weft::clock::now();
  explore({.schedules = 20}, [] {
    const auto start = weft::clock::now();
    for (int i = 0; i < 60; ++i) weft::sleep(1min);
    EXPECT_EQ(weft::clock::now() - start, 1h);
    auto ctx = weft::with_timeout(weft::background(), 1h);
    ctx.done().recv();
    EXPECT_EQ(weft::clock::now() - start, 2h);
    weft::testing::settle();
  });
  EXPECT_LT(weft::clock::now() - before, 1min);
}

TEST(exploration, settle_waits_for_all_others) {
  explore({.schedules = 100}, [] {
    std::atomic<int> arrived{0};
    weft::chan<void> gate;
    for (int i = 0; i < 4; ++i)
      weft::go([&, gate] {
        ++arrived;
        gate.recv();
        ++arrived;
      });
    weft::testing::settle();
    EXPECT_EQ(arrived, 4);
    gate.close();
    weft::testing::settle();
    EXPECT_EQ(arrived, 8);
  });
}

// A notification may come while the waiter is queued and on its way to sleep, when it is given without the lock.
TEST(exploration, a_wake_up_before_the_park_is_not_lost) {
  explore({.schedules = 2000}, [] {
    weft::mutex m;
    weft::cond changed;
    bool is_set = false;
    weft::wait_group wg;
    wg.go([&] {
      std::unique_lock hold(m);
      while (!is_set) changed.wait(hold);
    });
    wg.go([&] {
      {
        std::lock_guard hold(m);
        is_set = true;
      }
      changed.notify_one();
    });
    wg.go([&] { changed.notify_one(); });
    wg.wait();
  });
}

// --- fairness and limits -------------------------------------------------------------------------

TEST(exploration, polling_with_yield_ends_under_both_strategies) {
  for (strategy how : {strategy::random, strategy::pct}) {
    explore({.schedules = 200, .strategy = how}, [] {
      std::atomic<bool> is_done{false};
      weft::go([&] {
        weft::testing::point();
        is_done = true;
      });
      while (!is_done) weft::yield();
    });
  }
}

TEST(exploration, polling_without_yield_ends_too) {
  for (strategy how : {strategy::random, strategy::pct}) {
    explore({.schedules = 50, .strategy = how}, [] {
      weft::mutex m;
      m.lock();
      weft::go([&] { m.unlock(); });
      while (!m.try_lock()) {
      }
    });
  }
}

TEST(exploration, livelock_fails_after_max_steps) {
  const auto failure = failure_of({.max_steps = 1000}, [] {
    for (;;) weft::yield();
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->schedule(), 1u);
  EXPECT_THAT(failure->what(), HasSubstr("livelock"));
}

TEST(exploration, a_loop_without_points_fails_after_the_time_limit) {
  static std::atomic<bool> stop{false};
  const auto failure = failure_of({.time_limit = 200ms}, [] {
    while (!stop) {
    }
    weft::testing::point();
    std::abort();  // abandoned: never comes here
  });
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->what(), HasSubstr("goroutine 1 has not come to a point"));
  stop = true;
  weft::run([] { support::let_others_run(); });
}

// --- what counts as a failure --------------------------------------------------------------------

TEST(exploration, leaked_goroutine_fails_with_its_origin) {
  const auto failure = failure_of({}, [] {
    weft::chan<int> results;  // unbuffered: the slower one is never received
    for (int i = 0; i < 2; ++i) weft::go({.name = "racer"}, [=] { results.send(i); });
    results.recv();
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->schedule(), 1u);
  EXPECT_THAT(failure->what(), HasSubstr("has returned, but goroutines are still blocked"));
  EXPECT_THAT(failure->what(), HasSubstr("[chan send, 0 ms]: racer"));
  EXPECT_THAT(failure->what(), HasSubstr("in goroutine 1"));
}

TEST(exploration, exceptions_keep_their_type) {
  const auto failure = failure_of({}, [] { throw std::out_of_range("far"); });
  ASSERT_TRUE(failure);
  EXPECT_THROW(std::rethrow_exception(failure->cause()), std::out_of_range);
  const auto misuse = failure_of({}, [] {
    weft::go([] { weft::chan<int>(nullptr).close(); });
    weft::sleep(1s);
  });
  ASSERT_TRUE(misuse);
  EXPECT_THROW(std::rethrow_exception(misuse->cause()), weft::misuse);
}

WEFT_CHILD(expectation_fails_in_a_schedule) {
  testing::InitGoogleTest();
  struct inner : testing::Test {
    void TestBody() override {
      explore({.schedules = 500}, [] {
        int last = 0;
        weft::wait_group wg;
        for (int i = 1; i <= 2; ++i) wg.go([&, i] { last = i; });
        wg.wait();
        EXPECT_EQ(last, 2);
      });
    }
  };
  testing::RegisterTest("inner", "fails", nullptr, nullptr, __FILE__, __LINE__,
                        []() -> testing::Test* { return new inner; });
  testing::GTEST_FLAG(filter) = "inner.fails";
  return RUN_ALL_TESTS();
}

TEST(exploration, a_failed_expectation_is_a_failure_of_its_schedule) {
  const auto child = support::run_child("expectation_fails_in_a_schedule");
  EXPECT_EQ(child.exit_status, 1);
  EXPECT_THAT(child.out, HasSubstr("an expectation of the test framework failed in it"));
  EXPECT_THAT(child.out, HasSubstr("replay with WEFT_SEED="));
  EXPECT_THAT(child.err, HasSubstr("replay with WEFT_SEED="));
}

WEFT_CHILD(aborts_in_a_schedule) {
  explore({}, [] { std::abort(); });
  return 0;
}
WEFT_CHILD(asserts_in_a_schedule) {
  explore({}, [] { weft::mutex().unlock(); });
  return 0;
}
WEFT_CHILD(crashes_in_a_schedule) {
  explore({}, [] { *static_cast<volatile int*>(nullptr) = 1; });
  return 0;
}
int deeper(int depth) {
  volatile char page[4096] = {};
  return depth == 0 ? page[0] : deeper(depth + 1) + page[0];
}
WEFT_CHILD(overflows_in_a_schedule) {
  explore({}, [] { weft::go([] { std::printf("%d\n", deeper(1)); }); });
  return 0;
}
WEFT_CHILD(terminates_in_a_schedule) {
  explore({}, [] { std::terminate(); });
  return 0;
}

TEST(exploration, the_seed_is_printed_when_the_process_dies_in_a_schedule) {
  for (const char* scenario :
       {"aborts_in_a_schedule", "asserts_in_a_schedule", "crashes_in_a_schedule", "overflows_in_a_schedule",
        "terminates_in_a_schedule"}) {
    const auto child = support::run_child(scenario);
    EXPECT_THAT(child.signal, AnyOf(SIGABRT, SIGSEGV)) << scenario;
    EXPECT_THAT(child.err, HasSubstr("died in schedule 1 of 1000; replay with WEFT_SEED=random:0x")) << scenario;
  }
}

TEST(exploration, nothing_is_left_installed_for_signals) {
  explore({.schedules = 1}, [] {});
  struct sigaction now;
  sigaction(SIGABRT, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

// --- what is allowed and what is not -------------------------------------------------------------

TEST(exploration, blocking_and_pinned_goroutines_keep_their_turn) {
  std::string first, second;
  const auto program = [] {
    weft::chan<int> ch;
    weft::wait_group wg;
    wg.go([&] {
      weft::thread_pin pin;
      const auto thread = pthread_self();
      for (int i = 0; i < 3; ++i) {
        ch.send(weft::blocking([&] { return i; }));
        EXPECT_TRUE(pthread_equal(thread, pthread_self()));
      }
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ch.recv(), i);
    wg.wait();
  };
  explore({.schedules = 20, .trace = &first}, program);
  explore({.schedules = 20, .trace = &second}, program);
  EXPECT_EQ(first, second);
}

TEST(exploration, somebody_outside_may_be_waited_for) {
  weft::chan<int> requests, answers;
  std::thread server([&] {
    for (int r : requests) answers.send(r + 1);
  });
  explore({.schedules = 20}, [&] {
    weft::testing::outside server_answers;
    requests.send(1);
    EXPECT_EQ(answers.recv(), 2);
  });
  requests.close();
  server.join();
}

TEST(exploration, runs_from_goroutines_threads_and_main) {
  for (auto who : {support::caller::goroutine, support::caller::plain_thread, support::caller::run_main})
    support::on(who, [] { EXPECT_EQ(explore({.schedules = 10}, planted::lost_update<true>).schedules, 10u); });
}

TEST(exploration, several_run_side_by_side) {
  std::vector<std::thread> threads;
  std::vector<std::string> traces(4);
  for (auto& trace : traces)
    threads.emplace_back([&] { explore({.schedules = 100, .seed = 9, .trace = &trace}, planted::forgotten_wake<true>); });
  for (auto& t : threads) t.join();
  for (auto& trace : traces) EXPECT_EQ(trace, traces[0]);
}

TEST(exploration_misuse, nests_neither_in_itself_nor_in_a_bubble_nor_holds_one) {
  explore({.schedules = 1}, [] {
    EXPECT_THROW(explore({}, [] {}), weft::misuse);
    EXPECT_THROW(weft::testing::bubble([] {}), weft::misuse);
  });
  weft::testing::bubble([] { EXPECT_THROW(explore({}, [] {}), weft::misuse); });
  EXPECT_THROW(explore({.depth = 0}, [] {}), weft::misuse);
}

// A lock as any other: schedules switch at its operations, readers see whole writes in all of them.
TEST(exploration, of_readers_and_writers_finds_no_half_write) {
  explore({.schedules = 300, .seed = 7}, [] {
    weft::rw_mutex m;
    int left = 0, right = 0;
    weft::wait_group wg;
    for (int i = 0; i < 2; ++i) {
      wg.go([&] {
        std::unique_lock writing(m);
        ++left;
        weft::yield();
        ++right;
      });
      wg.go([&] {
        std::shared_lock reading(m);
        EXPECT_EQ(left, right);
      });
    }
    wg.wait();
    EXPECT_EQ(left, 2);
  });
}

WEFT_CHILD(seed_is_nonsense) {
  try {
    explore({}, [] {});
  } catch (const weft::misuse& e) {
    std::puts(e.what());
    return 3;
  }
  return 0;
}
TEST(exploration_misuse, a_seed_that_is_none_is_refused) {
  for (const char* seed : {"WEFT_SEED=17", "WEFT_SEED=pct:0:1:0x1", "WEFT_SEED=random:0x1z"}) {
    const auto child = support::run_child("seed_is_nonsense", {seed});
    EXPECT_EQ(child.exit_status, 3);
    EXPECT_THAT(child.out, HasSubstr("WEFT_SEED must be"));
  }
}

}  // namespace
