// weft::ticker: ticks again and again; a slow reader loses ticks; stop and reset.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

using namespace std::chrono_literals;

class ticker_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(ticker_everywhere);

namespace {

weft::clock::time_point next(weft::ticker& beat) {
  auto tick = weft::on_tick(beat);
  weft::select(tick);
  return *tick.take();
}

bool ticked(weft::ticker& beat) {
  auto tick = weft::on_tick(beat);
  return weft::try_select(tick);
}

}  // namespace

TEST_P(ticker_everywhere, ticks_no_faster_than_its_period) {
  here([&] {
    const auto start = weft::clock::now();
    weft::ticker beat(2ms);
    for (int i = 1; i <= 5; ++i) EXPECT_GE(next(beat), start + i * 2ms);
  });
}

TEST_P(ticker_everywhere, a_slow_reader_loses_ticks) {
  here([&] {
    weft::ticker beat(1ms);
    weft::sleep(30ms);  // the slow reader itself, not a wait for something
    beat.stop();
    int waiting = 0;
    while (ticked(beat)) ++waiting;
    EXPECT_LE(waiting, 1);
  });
}

TEST_P(ticker_everywhere, no_tick_after_stop) {
  here([&] {
    weft::ticker beat(1ms);
    next(beat);
    beat.stop();
    while (ticked(beat)) continue;
    auto tick = weft::on_tick(beat);
    auto late = weft::on_timeout(10ms);
    EXPECT_EQ(weft::select(tick, late), 1u);
  });
}

TEST_P(ticker_everywhere, reset_changes_the_period_and_starts_a_stopped_one_again) {
  here([&] {
    weft::ticker beat(1h);
    EXPECT_FALSE(ticked(beat));
    const auto start = weft::clock::now();
    beat.reset(1ms);
    EXPECT_GE(next(beat), start + 1ms);
    beat.stop();
    while (ticked(beat)) continue;
    beat.reset(1ms);
    next(beat);
    next(beat);
  });
}

TEST(ticker, a_period_that_is_not_positive_throws_misuse) {
  EXPECT_THROW(weft::ticker(0s), weft::misuse);
  EXPECT_THROW(weft::ticker(-1s), weft::misuse);
  weft::ticker beat(1s);
  EXPECT_THROW(beat.reset(0s), weft::misuse);
}
