// What package context and errgroup promise, beyond the plain cases of context.cpp and task_group.cpp.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct user_key { using type = std::string; };
const weft::error disk_full(std::errc::no_space_on_device, "disk");
const weft::error broken(std::errc::io_error, "wire");

}  // namespace

class context_promises : public support::everywhere {};
WEFT_EVERYWHERE(context_promises);

TEST_P(context_promises, when_done_closes_all_descendants_know_err_and_cause) {
  here([&] {
    for (int i = 0; i < 20; ++i) {
      auto root = weft::with_cancel(weft::background());
      auto middle = weft::with_cancel(root);
      auto leaf = weft::with_cancel(weft::with_value<user_key>(middle, "ada"));
      auto peers = crew();
      for (const weft::context* watched : {static_cast<weft::context*>(&root), static_cast<weft::context*>(&leaf)}) {
        peers.start([&, watched] {
          watched->done().recv();
          for (const weft::context* any : {static_cast<weft::context*>(&root), static_cast<weft::context*>(&middle),
                                           static_cast<weft::context*>(&leaf)}) {
            EXPECT_EQ(any->err(), std::errc::operation_canceled);
            EXPECT_EQ(any->cause(), std::errc::no_space_on_device);
          }
        });
      }
      root.cancel(disk_full);
    }
  });
}

TEST_P(context_promises, a_child_cancelled_before_its_parent_keeps_its_own_cause) {
  here([&] {
    auto parent = weft::with_cancel(weft::background());
    auto child = weft::with_cancel(parent);
    child.cancel(broken);
    EXPECT_FALSE(parent.cancelled());
    parent.cancel(disk_full);
    EXPECT_EQ(child.cause(), std::errc::io_error);
    EXPECT_EQ(parent.cause(), std::errc::no_space_on_device);
  });
}

TEST_P(context_promises, a_deadline_is_its_own_cause_and_reaches_the_children_as_timed_out) {
  here([&] {
    auto parent = weft::with_timeout(weft::background(), 2ms);
    auto child = weft::with_cancel(parent);
    EXPECT_FALSE(child.done().recv());
    EXPECT_EQ(child.err(), std::errc::timed_out);
    EXPECT_EQ(child.cause(), std::errc::timed_out);
    child.cancel(broken);  // too late
    EXPECT_EQ(child.err(), std::errc::timed_out);
  });
}

TEST_P(context_promises, a_child_deadline_leaves_the_parent_alone) {
  here([&] {
    auto parent = weft::with_timeout(weft::background(), 1h);
    auto child = weft::with_timeout(parent, 2ms);
    EXPECT_LT(*child.deadline(), *parent.deadline());
    child.done().recv();
    EXPECT_FALSE(parent.cancelled());
    EXPECT_EQ(parent.err(), weft::error());
    EXPECT_EQ(parent.cause(), weft::error());
  });
}

TEST_P(context_promises, a_timeout_of_zero_or_less_is_over_before_it_returns) {
  here([&] {
    for (weft::clock::duration d : {weft::clock::duration(0), weft::clock::duration(-1h), weft::clock::duration::min()}) {
      auto ctx = weft::with_timeout(weft::background(), d);
      EXPECT_EQ(ctx.err(), std::errc::timed_out);
      EXPECT_FALSE(ctx.done().recv());
    }
  });
}

TEST_P(context_promises, cancelling_in_time_prevents_the_deadline) {
  here([&] {
    auto ctx = weft::with_timeout(weft::background(), 1h);
    ctx.cancel();
    EXPECT_EQ(ctx.err(), std::errc::operation_canceled);
    EXPECT_TRUE(ctx.deadline());  // it keeps saying what it was
  });
}

TEST_P(context_promises, without_cancel_may_carry_a_deadline_and_a_cancel_of_its_own) {
  here([&] {
    auto parent = weft::with_cancel(weft::with_value<user_key>(weft::background(), "ada"));
    auto own = weft::with_timeout(weft::without_cancel(parent), 2ms);
    parent.cancel(disk_full);
    EXPECT_FALSE(own.done().recv());
    EXPECT_EQ(own.err(), std::errc::timed_out);  // the parent's cancel, which came first, would be operation_canceled
    EXPECT_EQ(*own.value<user_key>(), "ada");
  });
}

TEST_P(context_promises, done_is_the_same_channel_at_every_call_and_for_every_copy) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    const weft::context copy = ctx, valued = weft::with_value<user_key>(ctx, "x");
    EXPECT_EQ(ctx.done(), ctx.done());
    EXPECT_EQ(ctx.done(), copy.done());
    EXPECT_EQ(ctx.done(), valued.done());
    EXPECT_FALSE(weft::background().done());  // nil
    EXPECT_FALSE(weft::without_cancel(ctx).done());
  });
}

TEST_P(context_promises, each_of_several_after_funcs_runs_once_and_a_stopped_one_does_not) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    std::atomic<int> ran[4] = {};
    weft::wait_group all;
    all.add(3);
    std::vector<weft::stop_registration> registrations;
    for (int i = 0; i < 4; ++i) {
      registrations.push_back(weft::after_func(ctx, [&, i] {
        ++ran[i];
        all.done();
      }));
    }
    EXPECT_TRUE(registrations[2].stop());
    ctx.cancel();
    ctx.cancel();
    all.wait();
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(ran[i], i == 2 ? 0 : 1);
      EXPECT_FALSE(registrations[static_cast<std::size_t>(i)].stop());
    }
  });
}

// Go: if stop returns false, the function was started, but stop does not wait for it to end.
TEST_P(context_promises, stop_of_an_after_func_that_runs_returns_false_without_waiting) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    weft::chan<void> running, release;
    auto registration = weft::after_func(ctx, [&] {
      running.send();
      release.recv();
      running.send();
    });
    ctx.cancel();
    running.recv();
    EXPECT_FALSE(registration.stop());
    release.close();
    running.recv();
  });
}

TEST_P(context_promises, concurrent_cancels_agree_on_one_cause) {
  here([&] {
    for (int i = 0; i < 20; ++i) {
      auto ctx = weft::with_cancel(weft::background());
      auto peers = crew();
      peers.start([&] { ctx.cancel(disk_full); });
      peers.start([&] { ctx.cancel(broken); });
      ctx.done().recv();
      const auto first = ctx.cause();
      peers.join();
      EXPECT_EQ(ctx.cause(), first);
      EXPECT_TRUE(first == std::errc::no_space_on_device || first == std::errc::io_error);
    }
  });
}

class group_promises : public support::everywhere {};
WEFT_EVERYWHERE(group_promises);

TEST_P(group_promises, wait_says_the_same_again_and_more_tasks_may_follow) {
  here([&] {
    weft::task_group group;
    group.go([]() -> weft::result<void> { return weft::fail(std::errc::io_error, "first"); });
    EXPECT_EQ(group.wait().error(), std::errc::io_error);
    std::atomic<bool> found_it_cancelled{false};
    group.go([&](const weft::context& ctx) -> weft::result<void> {
      found_it_cancelled = ctx.cancelled();
      return weft::fail(std::errc::bad_address, "second");
    });
    EXPECT_EQ(group.wait().error(), std::errc::io_error);
    EXPECT_TRUE(found_it_cancelled);
  });
}

TEST_P(group_promises, success_cancels_nobody_until_the_scope_ends) {
  here([&] {
    weft::context kept;
    {
      weft::task_group group;
      kept = group.ctx();
      for (int i = 0; i < 3; ++i) group.go([] {});
      EXPECT_TRUE(group.wait());
      EXPECT_FALSE(kept.cancelled());
    }
    EXPECT_TRUE(kept.cancelled());
  });
}

TEST_P(group_promises, the_limit_holds_after_a_failure_and_a_failed_task_gives_its_place_back) {
  here([&] {
    weft::task_group group(weft::background(), {.limit = 1});
    for (int i = 0; i < 10; ++i) {
      group.go([i] {
        if (i % 2) throw std::runtime_error(std::to_string(i));
      });
    }
    EXPECT_THROW(static_cast<void>(group.wait()), std::runtime_error);
    EXPECT_TRUE(group.try_go([] {}));
  });
}

TEST_P(group_promises, the_first_of_several_failures_is_the_cause_the_others_see) {
  here([&] {
    weft::task_group group;
    weft::chan<weft::error> seen(3);
    for (int i = 0; i < 3; ++i) {
      group.go([&](const weft::context& ctx) -> weft::result<void> {
        ctx.done().recv();
        seen.send(ctx.cause());
        return weft::fail(std::errc::bad_address, "later");
      });
    }
    group.go([]() -> weft::result<void> { return weft::fail(std::errc::io_error, "first"); });
    EXPECT_EQ(group.wait().error(), std::errc::io_error);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(*seen.recv(), std::errc::io_error);
  });
}

TEST_P(group_promises, nested_groups_are_cancelled_from_the_outside_in) {
  here([&] {
    weft::task_group outer;
    std::atomic<int> stopped{0};
    outer.go([&](const weft::context& ctx) -> weft::result<void> {
      weft::task_group inner(ctx);
      for (int i = 0; i < 3; ++i) {
        inner.go([&](const weft::context& mine) {
          mine.done().recv();
          ++stopped;
        });
      }
      return inner.wait();
    });
    outer.go([]() -> weft::result<void> { return weft::fail(std::errc::io_error, "outer"); });
    EXPECT_EQ(outer.wait().error(), std::errc::io_error);
    EXPECT_EQ(stopped, 3);
  });
}
