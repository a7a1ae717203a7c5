// The context tree from inside: the order of telling, depth, who frees what, and cancels that race.
#include <weft/weft.h>

#include <gtest/gtest.h>

#include <csignal>

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct tracked_key {
  using type = std::shared_ptr<int>;
};

// A cancel_context cannot be moved into a container; a struct around it can be made in place.
struct link {
  explicit link(const weft::context& parent) : ctx(weft::with_cancel(parent)) {}
  weft::cancel_context ctx;
};

TEST(context_tree, tells_parents_first_and_siblings_in_the_order_they_were_made) {
  auto root = weft::with_cancel(weft::background());
  auto first = weft::with_cancel(root);
  auto second = weft::with_cancel(root);
  auto below_first = weft::with_cancel(first);
  std::string order;
  std::stop_callback d(below_first.stop_token(), [&] { order += "below_first "; });
  std::stop_callback c(second.stop_token(), [&] { order += "second "; });
  std::stop_callback b(first.stop_token(), [&] { order += "first "; });
  std::stop_callback a(root.stop_token(), [&] { order += "root "; });
  root.cancel();
  EXPECT_EQ(order, "root first second below_first ");
}

TEST(context_tree, err_is_set_everywhere_before_anybody_is_told) {
  auto root = weft::with_cancel(weft::background());
  auto middle = weft::with_cancel(root);
  auto leaf = weft::with_value<tracked_key>(middle, nullptr);
  bool leaf_knew = false;
  std::stop_callback told(root.stop_token(), [&] { leaf_knew = leaf.cancelled(); });
  root.cancel();
  EXPECT_TRUE(leaf_knew);
}

TEST(context_tree, stop_is_requested_before_done_closes) {
  auto ctx = weft::with_timeout(weft::background(), 2ms);
  const std::stop_token token = ctx.stop_token();
  ctx.done().recv();
  EXPECT_TRUE(token.stop_requested());
}

TEST(context_tree, a_deadline_runs_stop_callbacks_in_a_goroutine) {
  for (auto timeout = 2ms;; timeout *= 2) {
    auto ctx = weft::with_timeout(weft::background(), timeout);
    std::atomic<bool> on_goroutine = false;
    std::stop_callback told(ctx.stop_token(), [&] { on_goroutine = weft::on_goroutine(); });
    if (ctx.cancelled()) continue;  // too late: the deadline may have passed first, and the callback have run here
    ctx.done().recv();
    EXPECT_TRUE(on_goroutine);
    return;
  }
}

TEST(context_tree, is_cancelled_and_freed_at_any_depth_without_recursion) {
  constexpr int depth = 200'000;
  std::vector<std::unique_ptr<link>> chain;
  chain.push_back(std::make_unique<link>(weft::background()));
  for (int i = 1; i < depth; ++i) chain.push_back(std::make_unique<link>(chain.back()->ctx));
  weft::context deepest = chain.back()->ctx;
  chain.front()->ctx.cancel();
  EXPECT_TRUE(deepest.cancelled());
  EXPECT_FALSE(deepest.done().recv());
  chain.clear();
  deepest = weft::background();
}

TEST(context_tree, values_are_freed_with_the_last_handle_that_sees_them) {
  auto value = std::make_shared<int>(1);
  std::weak_ptr<int> alive = value;
  weft::context kept;
  {
    auto ctx = weft::with_timeout(weft::with_value<tracked_key>(weft::background(), std::move(value)), 1h);
    kept = weft::with_cancel(ctx);
  }
  EXPECT_FALSE(alive.expired());
  kept = weft::background();
  EXPECT_TRUE(alive.expired());
}

TEST(context_tree, a_child_that_ends_leaves_nothing_in_its_parent) {
  auto value = std::make_shared<int>(1);
  std::weak_ptr<int> alive = value;
  auto parent = weft::with_cancel(weft::background());
  { auto child = weft::with_cancel(weft::with_value<tracked_key>(parent, std::move(value))); }
  EXPECT_TRUE(alive.expired());
}

TEST(context_tree, a_stopped_callback_is_freed_and_a_dropped_registration_still_runs) {
  auto ctx = weft::with_cancel(weft::background());
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> alive = held;
  {
    auto registration = weft::after_func(ctx, [held = std::move(held)] {});
    EXPECT_TRUE(registration.stop());
  }
  EXPECT_TRUE(alive.expired());

  weft::chan<void> ran;
  weft::after_func(ctx, [ran] { ran.send(); });
  ctx.cancel();
  EXPECT_TRUE(ran.recv());
}

TEST(context_tree, after_func_on_background_can_be_stopped_once) {
  auto registration = weft::after_func(weft::background(), [] {});
  EXPECT_TRUE(registration.stop());
  EXPECT_FALSE(registration.stop());
}

TEST(context_tree, an_unreachable_deadline_needs_no_timer) {
  auto ctx = weft::with_timeout(weft::background(), weft::clock::duration::max());
  EXPECT_EQ(ctx.deadline(), weft::clock::time_point::max());
  EXPECT_FALSE(ctx.cancelled());
}

TEST(context_tree, with_signals_refuses_what_cannot_be_caught) {
  const auto uncatchable = [] { auto ctx = weft::with_signals(weft::background(), {SIGUSR1, SIGKILL}); };
  EXPECT_THROW(uncatchable(), weft::misuse);
}

// Deadlines, cancels from above and from the owner, and first looks at done() and stop_token(), all at once. A second
// close of done() would be a misuse and end the process; a lost one would hang.
TEST(context_tree, racing_cancels_close_each_done_exactly_once) {
  for (int round = 0; round < 200; ++round) {
    auto root = weft::with_cancel(weft::background());
    std::atomic<int> callbacks = 0;
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] {
        auto mine = weft::with_timeout(root, (i % 4) * 50us);
        auto below = weft::with_cancel(mine);
        weft::after_func(below, [&] { ++callbacks; });
        std::stop_token token;
        if (i % 2 == 0) token = below.stop_token();
        if (i % 3 == 0) mine.cancel();
        below.done().recv();
        EXPECT_TRUE(mine.cancelled());
        EXPECT_TRUE(i % 2 != 0 || token.stop_requested());
      });
    }
    std::thread canceller([&] { root.cancel(); });
    all.wait();
    canceller.join();
    while (callbacks < 8) weft::yield();
  }
}

}  // namespace
