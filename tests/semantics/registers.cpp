// What a park keeps and what it does not: the contract at the top of arch/switch.h.
//
// Kept: general and vector registers, and the stack. Not kept: MXCSR and the x87 control word (FPCR), which belong to
// the thread: a goroutine that changes the rounding mode restores it before it blocks, or pins itself.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <cfenv>
#include <cmath>

class registers : public support::everywhere {};
WEFT_EVERYWHERE(registers);

namespace {

// Rounds up or down with the mode in force; volatile, so that it is computed when asked for.
double third() {
  volatile double one = 1.0, three = 3.0;
  return one / three;
}

[[gnu::noinline]] double many_live_values_across_parks(double seed) {
  volatile double source = seed;
  const double a = source * 1.5, b = source * 2.5, c = source * 3.5, d = source * 4.5;
  const double e = a + b, f = c + d, g = a * d, h = b * c;
  const long i = static_cast<long>(seed), j = 3 * i, k = 5 * i, l = 7 * i;
  weft::yield();
  const double first = a + b + c + d + e + f + g + h;
  weft::yield();
  return first - a - b - c - d - e - f - g - h + static_cast<double>(i + j + k + l);
}

}  // namespace

TEST_P(registers, live_values_survive_parks) {
  here([&] {
    auto peers = crew();
    for (int n = 1; n <= 8; ++n) {
      peers.start([n] {
        for (int k = 0; k < 50; ++k) EXPECT_NEAR(many_live_values_across_parks(n), 16.0 * n, 1e-9);
      });
    }
  });
}

TEST_P(registers, a_rounding_mode_restored_before_blocking_disturbs_nobody) {
  here([&] {
    const double nearest = third();
    auto peers = crew();
    for (int n = 0; n < 6; ++n) {
      peers.start([=] {
        for (int k = 0; k < 50; ++k) {
          EXPECT_EQ(std::fegetround(), FE_TONEAREST);
          const int before = std::fegetround();
          std::fesetround(n % 2 ? FE_UPWARD : FE_DOWNWARD);
          const double rounded = third();
          std::fesetround(before);
          weft::yield();
          if (n % 2) EXPECT_GT(rounded, nearest);  // a third lies between two doubles, nearer to the lower
          else EXPECT_LE(rounded, nearest);
          EXPECT_EQ(third(), nearest);
        }
      });
    }
  });
}

TEST_P(registers, a_pinned_goroutine_keeps_its_rounding_mode_across_parks) {
  here([&] {
    auto peers = crew();
    for (int n = 0; n < 3; ++n) {
      peers.start([] {
        weft::thread_pin pin;
        std::fesetround(FE_UPWARD);
        for (int k = 0; k < 50; ++k) {
          weft::yield();
          EXPECT_EQ(std::fegetround(), FE_UPWARD);
        }
        std::fesetround(FE_TONEAREST);
      });
      peers.start([] {
        for (int k = 0; k < 50; ++k) {
          EXPECT_EQ(std::fegetround(), FE_TONEAREST);
          weft::yield();
        }
      });
    }
  });
}
