// testing::leak_check and testing::main: who was left behind.
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <gmock/gmock.h>
#include <weft/testing.h>

#include <atomic>
#include <thread>

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using weft::testing::leak_check;

class leak_check_on : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(procs, leak_check_on, testing::Values(1, 2, 8), testing::PrintToStringParamName());

TEST_P(leak_check_on, nothing_started_nothing_leaked) {
  leak_check check;
  EXPECT_EQ(check.leaks(), "");
}

TEST_P(leak_check_on, a_parked_goroutine_is_reported_with_its_origin_and_wait) {
  weft::chan<int> never;
  {
    leak_check check(50ms);
    weft::go({.name = "forgotten"}, [=] { never.recv(); });
    const std::string report = check.leaks();
    EXPECT_THAT(report, HasSubstr("1 goroutine started in its scope is still alive"));
    EXPECT_THAT(report, HasSubstr("[chan receive, "));
    EXPECT_THAT(report, HasSubstr("]: forgotten"));
    EXPECT_THAT(report, HasSubstr("waits for 0x"));
    EXPECT_THAT(report, HasSubstr("leak_check.cpp:"));  // created by
  }
  never.close();
}

// The processor is taken from the loop after ten milliseconds; until then nobody knows whose goroutine is to begin.
TEST(leak_check, one_that_has_not_begun_within_the_grace_is_waited_for) {
  support::procs_scope one(1);
  std::atomic<bool> is_looping{false}, is_over{false};
  weft::chan<int> never;
  weft::wait_group loop;
  loop.go([&] {
    for (is_looping = true; !is_over;) continue;
  });
  while (!is_looping) std::this_thread::yield();
  leak_check check(0ms);
  weft::go({.name = "late"}, [=] { never.recv(); });
  EXPECT_THAT(check.leaks(), HasSubstr("]: late"));
  never.close();
  is_over = true;
  loop.wait();
}

TEST_P(leak_check_on, those_who_were_there_before_are_not) {
  weft::chan<int> gate;
  weft::wait_group ended;
  for (int i = 0; i < 100; ++i) ended.go([&] { gate.recv(); });  // some parked, some not yet run
  leak_check check;
  EXPECT_EQ(check.leaks(), "");
  gate.close();
  ended.wait();
}

// Ids are reserved in blocks: the goroutines of several processors, started before and after the mark, interleave.
TEST_P(leak_check_on, before_and_after_are_told_apart_whatever_processor_they_came_from) {
  weft::chan<void> old_gate, new_gate;
  weft::wait_group all, starters;
  const auto start_some = [&](weft::chan<void>& gate, const char* name) {
    for (int s = 0; s < 8; ++s)
      starters.go([&, name] {
        for (int i = 0; i < 25; ++i) {
          all.add(1);
          weft::go({.name = name}, [&] {
            gate.recv();
            all.done();
          });
          weft::yield();
        }
      });
    starters.wait();
  };
  start_some(old_gate, "old");
  {
    leak_check check(20ms);
    start_some(new_gate, "new");
    const std::string report = check.leaks();
    EXPECT_THAT(report, HasSubstr("200 goroutines started in its scope"));
    EXPECT_THAT(report, Not(HasSubstr("]: old")));
  }
  new_gate.close();
  old_gate.close();
  all.wait();
}

TEST_P(leak_check_on, it_waits_for_those_on_their_way_out) {
  leak_check check(20s);
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i)
    weft::go([&] {
      weft::sleep(5ms);
      ++ended;
    });
  const auto start = weft::clock::now();
  EXPECT_EQ(check.leaks(), "");
  EXPECT_EQ(ended, 100);
  EXPECT_LT(weft::clock::now() - start, 15s);  // as soon as they have ended, not after the grace
}

TEST_P(leak_check_on, one_that_runs_for_ever_is_a_leak_too) {
  std::atomic<bool> stop{false};
  weft::wait_group ended;
  {
    leak_check check(50ms);
    ended.add(1);
    weft::go({.name = "spinner"}, [&] {
      while (!stop) weft::yield();
      ended.done();
    });
    EXPECT_THAT(check.leaks(), HasSubstr("spinner"));
  }
  stop = true;
  ended.wait();
}

TEST_P(leak_check_on, works_on_a_goroutine_which_is_no_leak_itself) {
  weft::run([] {
    leak_check check;
    weft::wait_group wg;
    wg.go([] {});
    wg.wait();
    EXPECT_EQ(check.leaks(), "");
  });
}

std::string reported;

TEST(leak_check, destructor_calls_the_handler_once_and_not_while_an_exception_passes) {
  auto* before = weft::testing::set_leak_handler([](const std::string& report) { reported += report; });
  weft::chan<int> never;
  reported.clear();
  {
    leak_check check(20ms);
    weft::go({.name = "first"}, [=] { never.recv(); });
  }
  EXPECT_THAT(reported, HasSubstr("first"));
  reported.clear();
  try {
    leak_check check(20ms);
    weft::go({.name = "second"}, [=] { never.recv(); });
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(reported, "");
  {
    leak_check check(20ms);
    check.leaks();
  }
  EXPECT_EQ(reported, "");
  weft::testing::set_leak_handler(before);
  never.close();
}

TEST(leak_check, ignored_names_are_no_leaks) {
  weft::testing::ignore_leaks_of("lives for ever");
  weft::chan<int> never;
  leak_check check(20ms);
  weft::go({.name = "lives for ever"}, [=] { never.recv(); });
  EXPECT_EQ(check.leaks(), "");
  never.close();
}

TEST(leak_check, goroutines_of_bubbles_are_left_to_them) {
  leak_check check(20ms);
  EXPECT_THROW(weft::testing::bubble([] { weft::go([] { weft::chan<int>(nullptr).recv(); }); }), weft::testing::failure);
  EXPECT_EQ(check.leaks(), "");
}

WEFT_CHILD(leaks_without_a_framework) {
  weft::testing::set_leak_handler(nullptr);
  leak_check check(20ms);
  weft::go({.name = "forgotten"}, [] { weft::sleep(1h); });
  return 0;
}
TEST(leak_check, default_handler_prints_and_aborts) {
  const auto child = support::run_child("leaks_without_a_framework");
  EXPECT_EQ(child.signal, SIGABRT);
  EXPECT_THAT(child.err, HasSubstr("weft: fatal: testing::leak_check: 1 goroutine"));
  EXPECT_THAT(child.err, HasSubstr("[sleep, "));
}

// --- main ----------------------------------------------------------------------------------------

struct leaky : testing::Test {
  void TestBody() override {
    weft::go({.name = "left by a test"}, [] { weft::sleep(1h); });
  }
};
struct clean : testing::Test {
  void SetUp() override {
    server_ = std::make_unique<weft::task_group>();
    server_->go([](const weft::context& ctx) { ctx.done().recv(); });
  }
  void TestBody() override {}
  void TearDown() override { server_.reset(); }
  std::unique_ptr<weft::task_group> server_;
};
template <class T>
void add(const char* name) {
  testing::RegisterTest("inner", name, nullptr, nullptr, __FILE__, __LINE__, []() -> testing::Test* { return new T; });
}

WEFT_CHILD(suite_with_a_leak) {
  add<clean>("is_clean");
  add<leaky>("leaks");
  add<clean>("is_clean_again");
  int argc = 2;
  char name[] = "suite", filter[] = "--gtest_filter=inner.*", *argv[] = {name, filter, nullptr};
  return weft::testing::main(argc, argv);
}
TEST(testing_main, fails_the_test_that_leaks_and_no_other) {
  const auto child = support::run_child("suite_with_a_leak");
  EXPECT_EQ(child.exit_status, 1);
  EXPECT_THAT(child.out, HasSubstr("[  FAILED  ] inner.leaks"));
  EXPECT_THAT(child.out, HasSubstr("]: left by a test"));
  EXPECT_THAT(child.out, HasSubstr("[       OK ] inner.is_clean "));
  EXPECT_THAT(child.out, HasSubstr("[       OK ] inner.is_clean_again"));
  EXPECT_THAT(child.out, HasSubstr("1 FAILED TEST"));
}

}  // namespace
