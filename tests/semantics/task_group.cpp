// task_group: never outlives its scope; the first error cancels the rest; exceptions come back in wait.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <stdexcept>

using namespace std::chrono_literals;

class task_group_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(task_group_everywhere);

TEST_P(task_group_everywhere, wait_returns_success_when_every_task_did) {
  here([&] {
    weft::task_group group;
    std::atomic<int> ran{0};
    for (int i = 0; i < 20; ++i) {
      group.go([&]() -> weft::result<void> {
        ++ran;
        return {};
      });
    }
    EXPECT_TRUE(group.wait());
    EXPECT_EQ(ran, 20);
  });
}

TEST_P(task_group_everywhere, the_first_error_is_returned_and_cancels_the_rest) {
  here([&] {
    weft::task_group group;
    std::atomic<int> cancelled{0};
    for (int i = 0; i < 4; ++i) {
      group.go([&](const weft::context& ctx) -> weft::result<void> {
        ctx.done().recv();
        ++cancelled;
        return weft::fail(std::errc::io_error, "late");
      });
    }
    group.go([]() -> weft::result<void> { return weft::fail(std::errc::bad_address, "first"); });
    const auto r = group.wait();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), std::errc::bad_address);
    EXPECT_EQ(cancelled, 4);
    EXPECT_TRUE(group.ctx().cancelled());
    EXPECT_EQ(group.ctx().cause(), std::errc::bad_address);
  });
}

TEST_P(task_group_everywhere, an_exception_cancels_the_rest_and_is_rethrown_by_wait) {
  here([&] {
    weft::task_group group;
    group.go([](const weft::context& ctx) { ctx.done().recv(); });
    group.go([] { throw std::runtime_error("task failed"); });
    try {
      static_cast<void>(group.wait());
      ADD_FAILURE() << "wait did not throw";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "task failed");
    }
  });
}

TEST_P(task_group_everywhere, the_destructor_cancels_and_waits) {
  here([&] {
    std::atomic<bool> ended{false};
    {
      weft::task_group group;
      group.go([&](const weft::context& ctx) {
        ctx.done().recv();
        support::let_others_run();
        ended = true;
      });
    }
    EXPECT_TRUE(ended);
  });
}

TEST_P(task_group_everywhere, cancelling_the_parent_reaches_the_tasks) {
  here([&] {
    auto parent = weft::with_cancel(weft::background());
    weft::task_group group(parent);
    group.go([](const weft::context& ctx) -> weft::result<void> {
      ctx.done().recv();
      return weft::fail(ctx.err(), "task");
    });
    parent.cancel();
    const auto r = group.wait();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), std::errc::operation_canceled);
  });
}

TEST_P(task_group_everywhere, at_most_limit_tasks_run_at_once_and_go_blocks_at_the_limit) {
  here([&] {
    weft::task_group group(weft::background(), {.limit = 3});
    std::atomic<int> running{0}, most{0}, ran{0};
    for (int i = 0; i < 30; ++i) {
      group.go([&] {
        const int n = ++running;
        for (int seen = most; n > seen && !most.compare_exchange_weak(seen, n);) continue;
        weft::yield();
        --running;
        ++ran;
      });
    }
    EXPECT_GE(ran, 30 - 3);
    EXPECT_TRUE(group.wait());
    EXPECT_EQ(ran, 30);
    EXPECT_LE(most, 3);
  });
}

TEST_P(task_group_everywhere, try_go_refuses_at_the_limit) {
  here([&] {
    weft::chan<void> release;
    std::atomic<int> ran{0};
    weft::task_group group(weft::background(), {.limit = 2});
    const auto task = [&] {
      release.recv();
      ++ran;
    };
    EXPECT_TRUE(group.try_go(task));
    EXPECT_TRUE(group.try_go(task));
    EXPECT_FALSE(group.try_go(task));
    release.close();
    EXPECT_TRUE(support::eventually([&] { return group.try_go(task); }));
    EXPECT_TRUE(group.wait());
    EXPECT_EQ(ran, 3);
  });
}

TEST_P(task_group_everywhere, a_task_may_start_tasks) {
  here([&] {
    weft::task_group group;
    std::atomic<int> ran{0};
    group.go([&] {
      for (int i = 0; i < 5; ++i) group.go([&] { ++ran; });
    });
    EXPECT_TRUE(group.wait());
    EXPECT_EQ(ran, 5);
  });
}

TEST(task_group, accepts_tasks_returning_any_result_or_nothing) {
  weft::task_group group;
  group.go([] {});
  group.go([]() -> weft::result<int> { return 3; });
  group.go([](const weft::context&) -> weft::result<std::string> { return weft::fail(std::errc::io_error, "third"); });
  const auto r = group.wait();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(), std::errc::io_error);
}

TEST(task_group, an_empty_group_waits_for_nothing) {
  weft::task_group group;
  EXPECT_TRUE(group.wait());
  weft::task_group never_waited;
}

TEST(task_group, the_destructor_swallows_an_exception_nobody_waited_for) {
  weft::task_group group;
  group.go([] { throw std::runtime_error("unseen"); });
}
