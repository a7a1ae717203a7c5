// The nil channel: it blocks whoever sends or receives, for ever, and disturbs nobody else; select and try never choose it.
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

#include <weft/weft.h>

using namespace std::chrono_literals;

class chan_nil : public support::everywhere {};
WEFT_EVERYWHERE(chan_nil);

TEST_P(chan_nil, blocks_a_sender_and_a_receiver_for_ever_and_nobody_else) {
  here([&] {
    // These two never end: nothing they use may die.
    static std::atomic<int> passed{0};
    static support::crew* lost;
    lost = new support::crew(support::kind::goroutine);
    support::start_parked(*lost, [] {
      weft::chan<int>(nullptr).send(1);
      ++passed;
    });
    support::start_parked(*lost, [] {
      weft::chan<int>(nullptr).recv();
      ++passed;
    });
    weft::chan<int> alive;
    auto peers = crew();
    peers.start([alive] {
      for (int i = 0; i < 100; ++i) alive.send(i);
      alive.close();
    });
    int received = 0;
    for ([[maybe_unused]] int v : alive) ++received;
    EXPECT_EQ(received, 100);
    EXPECT_EQ(passed, 0);
  });
}

TEST_P(chan_nil, is_left_out_of_a_select_that_waits) {
  here([&] {
    weft::chan<int> nil(nullptr), alive;
    auto peers = crew();
    auto in = weft::on_recv(nil);
    auto out = weft::on_send(nil, 1);
    auto value = weft::on_recv(alive);
    support::start_parked(peers, [alive] { alive.send(5); });
    EXPECT_EQ(weft::select(in, out, value), 2u);
    peers.start([alive] {
      support::let_others_run();
      alive.send(6);
    });
    EXPECT_EQ(weft::select(in, value, out), 1u);
    EXPECT_EQ(value.take(), 6);
  });
}

// Go's idiom: a variable set to nil switches its case off.
TEST_P(chan_nil, switches_a_case_off_while_two_channels_are_merged) {
  here([&] {
    weft::chan<int> a, b;
    auto peers = crew();
    for (auto* ch : {&a, &b}) {
      peers.start([ch = *ch] {
        for (int i = 1; i <= 50; ++i) ch.send(i);
        ch.close();
      });
    }
    int sum = 0;
    while (a || b) {
      auto from_a = weft::on_recv(a);
      auto from_b = weft::on_recv(b);
      auto& live = weft::select(from_a, from_b) == 0 ? from_a : from_b;
      if (const auto v = live.take()) sum += *v;
      else (&live == &from_a ? a : b) = nullptr;
    }
    EXPECT_EQ(sum, 2 * 1275);
  });
}

WEFT_CHILD(ranges_over_nil) {
  return weft::run([] {
    for ([[maybe_unused]] int v : weft::chan<int>(nullptr)) return;
  });
}
WEFT_CHILD(plain_thread_sends_on_nil) {
  weft::chan<int>(nullptr).send(1);
  return 0;
}

TEST(chan_nil_alone, a_range_over_it_and_a_send_from_a_thread_are_deadlocks) {
  const auto range = support::run_child("ranges_over_nil", {}, 10s);
  EXPECT_EQ(range.exit_status, 2) << range;
  EXPECT_THAT(range.err, support::mentions("chan receive (nil chan)")) << range;
  const auto thread = support::run_child("plain_thread_sends_on_nil", {}, 10s);
  EXPECT_EQ(thread.exit_status, 2) << thread;
  EXPECT_THAT(thread.err, support::mentions("deadlock")) << thread;
}

TEST(chan_nil_alone, a_literal_zero_is_a_capacity) {
  const weft::chan<int> unbuffered(0);
  EXPECT_TRUE(unbuffered);
  EXPECT_EQ(unbuffered.capacity(), 0u);
  EXPECT_NE(unbuffered, nullptr);
}

TEST(chan_nil_alone, two_nil_channels_are_equal_and_false) {
  EXPECT_EQ(weft::chan<int>(nullptr), weft::chan<int>(nullptr));
  EXPECT_FALSE(weft::chan<int>(nullptr));
  EXPECT_TRUE(weft::chan<int>());
  EXPECT_FALSE(weft::sender<int>());
  EXPECT_FALSE(weft::receiver<int>());
}
