// The protocol of one descriptor, with a test in the place of the kernel.
#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "poll/readiness.h"
#include "sched/schedule.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using namespace std::chrono_literals;
using weft::poll::direction;
using weft::poll::outcome;
using weft::poll::readiness;

struct open_readiness : readiness {
  open_readiness() { open(1); }
  ~open_readiness() {
    close();
    retire();
  }
  // As a backend: what the kernel told, and the sleepers made runnable.
  void tell(std::uint32_t what, std::uint32_t generation = 1) {
    weft::sched::ready_list woken;
    post(generation, what, woken);
    weft::sched::ready_all(woken.first());
  }
  void drain(direction d) { drained(d, edge(d)); }
};

bool sleeps_in(open_readiness& r) {
  return support::eventually([&] { return r.awaited(); });
}

class poll_readiness : public support::everywhere {};
WEFT_EVERYWHERE(poll_readiness);

TEST_P(poll_readiness, a_fresh_descriptor_is_worth_trying_and_does_not_wait) {
  here([] {
    open_readiness r;
    EXPECT_TRUE(r.worth_trying(direction::read));
    EXPECT_EQ(r.wait(direction::read), outcome::ready);
    EXPECT_EQ(r.wait(direction::write), outcome::ready);
  });
}

TEST_P(poll_readiness, an_edge_wakes_who_sleeps_in_its_direction_only) {
  here([this] {
    open_readiness r;
    r.drain(direction::read);
    r.drain(direction::write);
    EXPECT_FALSE(r.worth_trying(direction::read));
    std::atomic<int> readers{0}, writers{0};
    auto peers = crew();
    peers.start([&] { r.wait(direction::read); ++readers; });
    peers.start([&] { r.wait(direction::write); ++writers; });
    ASSERT_TRUE(sleeps_in(r));
    r.tell(weft::poll::post_write);
    EXPECT_TRUE(support::eventually([&] { return writers == 1; }));
    EXPECT_EQ(readers, 0);
    r.tell(weft::poll::post_read);
    peers.join();
    EXPECT_EQ(readers, 1);
  });
}

TEST_P(poll_readiness, one_edge_wakes_everybody_who_sleeps_in_its_direction) {
  here([this] {
    open_readiness r;
    r.drain(direction::read);
    std::atomic<int> up{0};
    auto peers = crew();
    for (int i = 0; i < 5; ++i) peers.start([&] { r.wait(direction::read); ++up; });
    ASSERT_TRUE(sleeps_in(r));
    support::let_others_run();
    r.tell(weft::poll::post_read);
    peers.join();
    EXPECT_EQ(up, 5);
  });
}

// What came between the system call that found nothing and the wait must not be slept through.
TEST(poll_readiness, an_edge_after_the_failed_call_is_not_lost) {
  open_readiness r;
  const auto before = r.edge(direction::read);
  r.tell(weft::poll::post_read);
  r.drained(direction::read, before);
  EXPECT_TRUE(r.worth_trying(direction::read));
  EXPECT_EQ(r.wait(direction::read), outcome::ready);
}

TEST(poll_readiness, a_short_read_means_drained_until_the_next_edge) {
  open_readiness r;
  r.drained_unless_closing(direction::read, r.edge(direction::read));
  EXPECT_FALSE(r.worth_trying(direction::read));
  r.tell(weft::poll::post_read);
  EXPECT_TRUE(r.worth_trying(direction::read));
}

// The end of the stream may share its edge with the data before it: then only the kernel can tell.
TEST(poll_readiness, after_a_hang_up_a_short_read_proves_nothing) {
  open_readiness r;
  r.tell(weft::poll::post_read | weft::poll::post_closing);
  r.drained_unless_closing(direction::read, r.edge(direction::read));
  EXPECT_TRUE(r.worth_trying(direction::read));
}

TEST(poll_readiness, events_of_an_earlier_life_change_nothing) {
  open_readiness r;
  r.drain(direction::read);
  r.close();
  r.retire();
  r.open(2);
  r.drain(direction::read);
  r.tell(weft::poll::post_read | weft::poll::post_closing, 1);
  EXPECT_FALSE(r.worth_trying(direction::read));
  r.tell(weft::poll::post_read, 2);
  EXPECT_TRUE(r.worth_trying(direction::read));
  r.drained_unless_closing(direction::read, r.edge(direction::read));
  EXPECT_FALSE(r.worth_trying(direction::read)) << "the old hang-up stuck";
}

TEST_P(poll_readiness, close_wakes_everybody_and_stays) {
  here([this] {
    open_readiness r;
    r.drain(direction::read);
    r.drain(direction::write);
    std::atomic<int> closed{0};
    auto peers = crew();
    for (auto d : {direction::read, direction::read, direction::write})
      peers.start([&, d] { closed += r.wait(d) == outcome::closed; });
    ASSERT_TRUE(sleeps_in(r));
    r.close();
    peers.join();
    EXPECT_EQ(closed, 3);
    EXPECT_EQ(r.wait(direction::read), outcome::closed);
  });
}

TEST_P(poll_readiness, a_context_ends_the_wait_of_its_caller_only) {
  here([this] {
    open_readiness r;
    r.drain(direction::read);
    auto ctx = weft::with_cancel(weft::background());
    std::atomic<int> cancelled{0}, ready{0};
    auto peers = crew();
    peers.start([&] { cancelled += r.wait(direction::read, {.ctx = &ctx}) == outcome::cancelled; });
    peers.start([&] { ready += r.wait(direction::read) == outcome::ready; });
    ASSERT_TRUE(sleeps_in(r));
    ctx.cancel();
    EXPECT_TRUE(support::eventually([&] { return cancelled == 1; }));
    EXPECT_EQ(r.wait(direction::read, {.ctx = &ctx}), outcome::cancelled) << "a context that is cancelled already";
    EXPECT_EQ(ready, 0);
    r.tell(weft::poll::post_read);
    peers.join();
    EXPECT_EQ(ready, 1);
  });
}

TEST_P(poll_readiness, a_callers_own_time_limit_ends_its_wait) {
  here([] {
    open_readiness r;
    r.drain(direction::read);
    const auto until = weft::clock::now() + 5ms;
    EXPECT_EQ(r.wait(direction::read, {.until_ns = until.time_since_epoch().count()}), outcome::timed_out);
    EXPECT_GE(weft::clock::now(), until);
    EXPECT_FALSE(r.awaited()) << "the sleeper left its waiter behind";
  });
}

}  // namespace
