// sender<T> and receiver<T>: the same channel, half of its operations.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <concepts>
#include <type_traits>

template <class C> concept can_send = requires(C c) { c.send(1); };
template <class C> concept can_recv = requires(C c) { c.recv(); };

static_assert(can_send<weft::sender<int>> && !can_recv<weft::sender<int>>);
static_assert(can_recv<weft::receiver<int>> && !can_send<weft::receiver<int>>);
static_assert(std::convertible_to<weft::chan<int>, weft::sender<int>>);
static_assert(std::convertible_to<weft::chan<int>, weft::receiver<int>>);
static_assert(!std::convertible_to<weft::receiver<int>, weft::sender<int>>);
static_assert(!std::convertible_to<weft::sender<int>, weft::chan<int>>);
static_assert(!std::convertible_to<weft::receiver<int>, weft::chan<int>>);

namespace {

void produce(weft::sender<int> out, int count) {
  for (int i = 0; i < count; ++i) out.send(i);
  out.close();
}

int sum(weft::receiver<int> in) {
  int total = 0;
  for (int v : in) total += v;
  return total;
}

}  // namespace

class chan_views : public support::everywhere {};
WEFT_EVERYWHERE(chan_views);

TEST_P(chan_views, a_pipeline_of_views_carries_every_value) {
  here([&] {
    weft::chan<int> ch(2);
    auto peers = crew();
    peers.start([ch] { produce(ch, 100); });
    EXPECT_EQ(sum(ch), 4950);
  });
}

TEST(chan_views_alone, a_view_keeps_the_channel_alive) {
  weft::receiver<int> in = [] {
    weft::chan<int> ch(1);
    ch.send(9);
    return weft::receiver<int>(ch);
  }();
  EXPECT_EQ(in.recv(), 9);
}

TEST(chan_views_alone, a_receiver_sees_closed_and_drained) {
  weft::chan<int> ch(1);
  weft::receiver<int> in = ch;
  EXPECT_EQ(in.try_recv(), std::nullopt);
  ch.send(3);
  ch.close();
  EXPECT_EQ(in.recv(), 3);
  EXPECT_EQ(in.recv(), std::nullopt);
}

TEST(chan_views_alone, a_sender_tries_and_closes) {
  weft::chan<int> ch(1);
  weft::sender<int> out = ch;
  int value = 4;
  EXPECT_TRUE(out.try_send(value));
  EXPECT_FALSE(out.try_send(value));
  out.close();
  EXPECT_TRUE(ch.closed());
  EXPECT_THROW(out.send(1), weft::misuse);
}

TEST(chan_views_alone, views_of_a_void_channel_signal) {
  weft::chan<void> ch(1);
  weft::sender<void> out = ch;
  weft::receiver<void> in = ch;
  out.send();
  EXPECT_TRUE(in.recv());
  out.close();
  EXPECT_FALSE(in.recv());
}
