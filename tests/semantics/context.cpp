// context: cancellation flows from parent to child, never back; deadlines, values, causes, callbacks.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <string>
#include <type_traits>

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<weft::cancel_context>);
static_assert(std::is_base_of_v<weft::context, weft::cancel_context>);

namespace {

struct user_key { using type = std::string; };
struct depth_key { using type = int; };

const weft::error disk_full(std::errc::no_space_on_device, "disk");

}  // namespace

class context_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(context_everywhere);

TEST_P(context_everywhere, cancel_closes_done_and_sets_err) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    EXPECT_FALSE(ctx.cancelled());
    EXPECT_EQ(ctx.err(), weft::error());
    std::atomic<int> woken{0};
    auto peers = crew();
    for (int i = 0; i < 5; ++i) {
      peers.start([&] {
        EXPECT_FALSE(ctx.done().recv());
        ++woken;
      });
    }
    support::let_others_run();
    EXPECT_EQ(woken, 0);
    ctx.cancel();
    peers.join();
    EXPECT_TRUE(ctx.cancelled());
    EXPECT_EQ(ctx.err(), std::errc::operation_canceled);
    EXPECT_EQ(ctx.cause(), std::errc::operation_canceled);
  });
}

TEST_P(context_everywhere, cancellation_reaches_every_descendant_and_no_ancestor) {
  here([&] {
    auto top = weft::with_cancel(weft::background());
    auto middle = weft::with_cancel(top);
    auto sibling = weft::with_cancel(top);
    auto leaf = weft::with_value<depth_key>(middle, 3);
    auto below = weft::with_cancel(leaf);
    middle.cancel();
    EXPECT_FALSE(below.done().recv());
    EXPECT_TRUE(below.cancelled());
    EXPECT_TRUE(leaf.cancelled());
    EXPECT_FALSE(top.cancelled());
    EXPECT_FALSE(sibling.cancelled());
  });
}

TEST_P(context_everywhere, leaving_the_scope_cancels) {
  here([&] {
    weft::context kept = weft::background();
    {
      auto ctx = weft::with_cancel(weft::background());
      kept = ctx;
      EXPECT_FALSE(kept.cancelled());
    }
    EXPECT_TRUE(kept.cancelled());
  });
}

TEST_P(context_everywhere, a_timeout_cancels_with_timed_out) {
  here([&] {
    const auto start = weft::clock::now();
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    ASSERT_TRUE(ctx.deadline());
    EXPECT_GE(*ctx.deadline(), start + 5ms);
    EXPECT_FALSE(ctx.done().recv());
    EXPECT_GE(weft::clock::now() - start, 5ms);
    EXPECT_EQ(ctx.err(), std::errc::timed_out);
  });
}

TEST_P(context_everywhere, the_earlier_deadline_of_parent_and_child_counts) {
  here([&] {
    const auto soon = weft::clock::now() + 5ms;
    auto parent = weft::with_deadline(weft::background(), soon);
    auto child = weft::with_timeout(parent, 1h);
    EXPECT_EQ(child.deadline(), soon);
    EXPECT_FALSE(child.done().recv());
    EXPECT_EQ(child.err(), std::errc::timed_out);
  });
}

TEST_P(context_everywhere, the_first_cancel_decides_the_cause) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    auto child = weft::with_cancel(ctx);
    ctx.cancel(disk_full);
    ctx.cancel();
    EXPECT_EQ(ctx.err(), std::errc::operation_canceled);
    EXPECT_EQ(ctx.cause(), std::errc::no_space_on_device);
    EXPECT_EQ(child.err(), std::errc::operation_canceled);
    EXPECT_EQ(child.cause(), std::errc::no_space_on_device);
  });
}

TEST_P(context_everywhere, after_func_runs_once_in_its_own_goroutine_on_cancel) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    weft::chan<std::uint64_t> ran(2);
    auto registration = weft::after_func(ctx, [ran] { ran.send(weft::goroutine_id()); });
    EXPECT_EQ(ran.try_recv(), std::nullopt);
    ctx.cancel();
    const auto id = ran.recv();
    EXPECT_NE(id, 0u);
    EXPECT_NE(id, weft::goroutine_id());
    EXPECT_FALSE(registration.stop());
    EXPECT_EQ(ran.try_recv(), std::nullopt);
  });
}

TEST_P(context_everywhere, after_func_stopped_before_cancel_never_runs) {
  here([&] {
    std::atomic<bool> ran{false};
    auto ctx = weft::with_cancel(weft::background());
    auto registration = weft::after_func(ctx, [&] { ran = true; });
    EXPECT_TRUE(registration.stop());
    EXPECT_FALSE(registration.stop());
    ctx.cancel();
    support::let_others_run();
    EXPECT_FALSE(ran);
  });
}

TEST_P(context_everywhere, after_func_on_a_cancelled_context_runs_at_once) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    ctx.cancel();
    weft::chan<void> ran;
    auto registration = weft::after_func(ctx, [ran] { ran.send(); });
    ran.recv();
  });
}

TEST_P(context_everywhere, stop_token_follows_cancellation) {
  here([&] {
    auto ctx = weft::with_cancel(weft::background());
    std::stop_token token = ctx.stop_token();
    EXPECT_TRUE(token.stop_possible());
    EXPECT_FALSE(token.stop_requested());
    ctx.cancel();
    EXPECT_TRUE(support::eventually([&] { return token.stop_requested(); }));
    EXPECT_TRUE(ctx.stop_token().stop_requested());
  });
}

TEST(context, background_is_never_cancelled) {
  const weft::context ctx = weft::background();
  EXPECT_FALSE(ctx.cancelled());
  EXPECT_EQ(ctx.deadline(), std::nullopt);
  auto quit = weft::on_done(ctx);
  EXPECT_FALSE(weft::try_select(quit));
}

TEST(context, a_deadline_in_the_past_cancels_before_returning) {
  auto ctx = weft::with_deadline(weft::background(), weft::clock::now() - 1s);
  EXPECT_TRUE(ctx.cancelled());
  EXPECT_EQ(ctx.err(), std::errc::timed_out);
}

TEST(context, a_child_of_a_cancelled_context_is_born_cancelled) {
  auto parent = weft::with_cancel(weft::background());
  parent.cancel(disk_full);
  auto child = weft::with_cancel(parent);
  EXPECT_TRUE(child.cancelled());
  EXPECT_EQ(child.cause(), std::errc::no_space_on_device);
}

TEST(context, values_are_found_by_key_through_every_ancestor) {
  auto user = weft::with_value<user_key>(weft::background(), "ada");
  auto inner = weft::with_cancel(user);
  auto depth = weft::with_value<depth_key>(inner, 2);
  ASSERT_TRUE(depth.value<user_key>());
  EXPECT_EQ(*depth.value<user_key>(), "ada");
  EXPECT_EQ(*depth.value<depth_key>(), 2);
  EXPECT_EQ(inner.value<depth_key>(), nullptr);
  auto shadow = weft::with_value<user_key>(depth, "bob");
  EXPECT_EQ(*shadow.value<user_key>(), "bob");
  EXPECT_EQ(*depth.value<user_key>(), "ada");
}

TEST(context, without_cancel_keeps_values_and_drops_cancellation_and_deadline) {
  auto parent = weft::with_timeout(weft::background(), 1h);
  auto user = weft::with_value<user_key>(parent, "ada");
  auto detached = weft::without_cancel(user);
  parent.cancel();
  EXPECT_FALSE(detached.cancelled());
  EXPECT_EQ(detached.deadline(), std::nullopt);
  EXPECT_EQ(*detached.value<user_key>(), "ada");
}

TEST(context, a_copy_outlives_the_scope_that_made_it) {
  weft::context kept = [] { return weft::context(weft::with_value<user_key>(weft::background(), "eve")); }();
  EXPECT_EQ(*kept.value<user_key>(), "eve");
}
