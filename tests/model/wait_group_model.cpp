// The wait_group: sync/wait_group.cpp, WG1 and WG2.
//
//   WG1  Every wait() returns, once the counter is zero and not before; what happened before done() is seen after wait()
//        (data races are errors). Whoever has seen zero may destroy it (use after free is an error) or use it again.
//   WG2  Nobody is woken who does not sleep (sleepers.cpp, G2), whichever of the two sides comes first.
//   WG3  Also when the last done() and the only waiter meet a further add().
#include <gtest/gtest.h>

#include <memory>

#include <weft/wait_group.h>

#include "engine/model.h"
#include "sleepers.h"

namespace {

using weft::wait_group;

void two_done_and_the_waiter_destroys_it() {
  auto wg = std::make_unique<wait_group>();
  int first = 0, second = 0;
  wg->add(2);
  wait_group* shared = wg.get();
  model::parallel({{"first", [&] { first = 1; shared->done(); }},
                   {"second", [&] { second = 1; shared->done(); }},
                   {"waiter", [&] {
                      shared->wait();
                      model::check(first + second == 2, "WG1: wait returned too early");
                      wg.reset();
                    }}});
  sleepers::check_no_wake_is_left_over();
}

void two_waiters() {
  wait_group wg;
  int done = 0;
  wg.add(1);
  const auto wait = [&] {
    wg.wait();
    model::check(done == 1, "WG1: wait returned too early");
  };
  model::parallel({{"done", [&] { done = 1; wg.done(); }}, {"one", wait}, {"two", wait}});
  sleepers::check_no_wake_is_left_over();
}

void used_again() {
  wait_group wg;
  int rounds = 0;
  wg.add(1);
  wait_group second_round;
  second_round.add(1);
  model::parallel({{"worker", [&] {
                      rounds = 1;
                      wg.done();
                      second_round.wait();
                      rounds = 2;
                      wg.done();
                    }},
                   {"waiter", [&] {
                      wg.wait();
                      model::check(rounds == 1, "WG1: first round");
                      wg.add(1);
                      second_round.done();
                      wg.wait();
                      model::check(rounds == 2, "WG1: second round");
                    }}});
  sleepers::check_no_wake_is_left_over();
}

// Members that start more members: the counter does not come to zero in between.
void a_member_adds_a_member() {
  wait_group wg;
  int done = 0;
  wg.add(1);
  model::parallel({{"member", [&] { wg.add(1); wg.done(); done = 1; wg.done(); }},
                   {"waiter", [&] {
                      wg.wait();
                      model::check(done == 1, "WG1: wait returned too early");
                    }}});
  sleepers::check_no_wake_is_left_over();
}

// The last one finds a single waiter, and before it has taken both away somebody adds.
void an_outsider_adds() {
  wait_group wg;
  wg.add(1);
  model::parallel({{"last", [&] { wg.done(); }},
                   {"outsider", [&] { wg.add(1); wg.done(); }},
                   {"waiter", [&] { wg.wait(); }}});
  sleepers::check_no_wake_is_left_over();
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound bounded{.preemptions = 3, .stale_reads = 2};

TEST(wait_group, the_waiter_may_destroy_it) { model::holds(bounded, two_done_and_the_waiter_destroys_it); }
TEST(wait_group, both_waiters_return) { model::holds({.preemptions = 2, .stale_reads = 1}, two_waiters); }
TEST(wait_group, may_be_used_again_after_wait) { model::holds(bounded, used_again); }
TEST(wait_group, a_member_may_add_a_member) { model::holds(everything, a_member_adds_a_member); }

TEST(wait_group, somebody_may_add_while_the_last_one_leaves) { model::holds(bounded, an_outsider_adds); }

TEST(wait_group, mutant_done_without_release_is_caught) {
  model::caught(model::weaken("sync/wait_group.cpp", "(!state.compare_exchange_weak(seen, next, base::acq_rel"), bounded,
                two_done_and_the_waiter_destroys_it);
}
TEST(wait_group, mutant_last_done_without_release_is_caught) {
  model::caught(model::weaken("sched/account.h", "compare_exchange_strong(last, 0, base::acq_rel"), bounded, two_waiters);
}
TEST(wait_group, mutant_wait_that_sees_zero_without_acquire_is_caught) {
  model::caught(model::weaken("sync/wait_group.cpp", "std::uint64_t word = state.load(base::acquire);"), bounded,
                two_done_and_the_waiter_destroys_it);
}

}  // namespace
