// Random programs against the reference model: a seeded loop for every machine. (fuzz_target.cpp is the libFuzzer twin.)
//
// Time-boxed by WEFT_STRESS_SECONDS. A failure prints the seed of its program; WEFT_STRESS_SEED= that number makes it the
// first program of the next run. Stepwise programs then do the same again, up to the choices of select.
#include <cstdio>
#include <functional>

#include "program.h"
#include "reference.h"
#include "runner.h"
#include "support/everywhere.h"
#include "support/stress.h"

namespace {

void run_many(const std::function<std::string(const fuzz::program&, std::uint64_t)>& run_one, int most_steps, double share) {
  support::stress_run run(share);
  long programs = 0, steps = 0;
  for (std::uint64_t seed = run.seed(); run.more(); ++seed, ++programs) {
    const fuzz::program p = fuzz::random_program(seed, most_steps);
    steps += static_cast<long>(p.steps.size());
    ASSERT_EQ(run_one(p, seed), "") << "replay with WEFT_STRESS_SEED=" << seed;
  }
  std::printf("%ld programs, %ld steps\n", programs, steps);
}

class programs : public testing::TestWithParam<support::place> {
 protected:
  support::procs_scope procs_{GetParam().procs};
};
INSTANTIATE_TEST_SUITE_P(from, programs,
                         testing::Values(support::place{support::caller::goroutine, support::kind::goroutine, 1},
                                         support::place{support::caller::plain_thread, support::kind::goroutine, 1},
                                         support::place{support::caller::plain_thread, support::kind::goroutine, 2},
                                         support::place{support::caller::plain_thread, support::kind::goroutine, 8}),
                         [](const auto& info) {
                           const bool is_goroutine = info.param.who == support::caller::goroutine;
                           return (is_goroutine ? "goroutine_on_" : "thread_on_") + std::to_string(info.param.procs);
                         });

TEST_P(programs, done_step_by_step_do_what_the_reference_does) {
  support::on(GetParam().who, [] { run_many(fuzz::run_stepwise, 60, 0.7); });
}

TEST_P(programs, done_at_once_can_be_explained_by_some_order_of_their_steps) {
  support::on(GetParam().who, [] { run_many(fuzz::run_at_once, 14, 0.7); });
}

// --- the reference itself can say no -------------------------------------------------------------------------------------

using fuzz::action;
using fuzz::outcome;
using fuzz::reference;

const fuzz::program one_slot{{1, 0, 2}, {}, {}};
const fuzz::operation send_1{action::send, {{true, 0, 1, true}}}, send_2{action::send, {{true, 0, 2, true}}},
    receive{action::recv, {{false, 0, 0, true}}}, close{action::close, {{false, 0, 0, true}}},
    try_receive{action::try_recv, {{false, 0, 0, true}}};
const outcome done{true, 0, 0, false}, blocked{}, threw{true, -1, 0, true};

TEST(reference, refuses_a_lost_a_doubled_and_a_foreign_value) {
  for (const int wrong : {0, 2}) {
    reference model(one_slot);
    EXPECT_TRUE(model.perform(0, send_1, {{0, done}}));
    EXPECT_FALSE(reference(model).perform(1, receive, {{1, {true, 0, wrong, false}}}));
    EXPECT_TRUE(model.perform(1, receive, {{1, {true, 0, 1, false}}}));
    EXPECT_FALSE(reference(model).perform(1, try_receive, {{1, {true, 0, 1, false}}}));
    EXPECT_TRUE(model.perform(1, try_receive, {{1, {true, -1, 0, false}}}));
  }
}

TEST(reference, refuses_a_sender_that_does_not_block_and_one_that_sleeps_on) {
  reference model(one_slot);
  EXPECT_TRUE(model.perform(0, send_1, {{0, done}}));
  reference full = model;
  EXPECT_TRUE(full.perform(1, send_2, {{1, blocked}}));
  EXPECT_TRUE(full.agrees_at_rest({{1, blocked}}));
  EXPECT_FALSE(full.agrees_at_rest({{1, done}}));
  // A receive takes 1 and lets the sender of 2 go.
  EXPECT_FALSE(reference(full).perform(2, receive, {{1, blocked}, {2, {true, 0, 1, false}}}));
  EXPECT_FALSE(reference(full).perform(2, receive, {{1, done}, {2, {true, 0, 2, false}}}));
  EXPECT_TRUE(full.perform(2, receive, {{1, done}, {2, {true, 0, 1, false}}}));
}

TEST(reference, refuses_a_waiter_served_before_its_turn) {
  reference model(one_slot);
  EXPECT_TRUE(model.perform(0, receive, {{0, blocked}}));
  EXPECT_TRUE(model.perform(1, receive, {{0, blocked}, {1, blocked}}));
  EXPECT_FALSE(reference(model).perform(2, send_1, {{0, blocked}, {1, {true, 0, 1, false}}, {2, done}}));
  EXPECT_TRUE(model.perform(2, send_1, {{0, {true, 0, 1, false}}, {1, blocked}, {2, done}}));
}

TEST(reference, refuses_a_close_that_nobody_sees) {
  reference model(one_slot);
  EXPECT_TRUE(model.perform(0, receive, {{0, blocked}}));
  EXPECT_FALSE(reference(model).perform(1, close, {{0, blocked}, {1, done}}));
  EXPECT_TRUE(model.perform(1, close, {{0, done}, {1, done}}));
  EXPECT_FALSE(reference(model).perform(1, close, {{1, done}}));
  EXPECT_TRUE(model.perform(1, close, {{1, {true, 0, 0, true}}}));
  EXPECT_FALSE(reference(model).perform(2, send_1, {{2, done}}));
  EXPECT_TRUE(model.perform(2, send_1, {{2, threw}}));
}

}  // namespace
