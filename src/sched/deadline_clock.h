// A clock to compute deadlines from: what os::monotonic_ns() says, or up to 8 µs more, for half the price.
//
// A sleep, a time-out, a timer that is set begins with "now plus so much", and most of them are never waited for: reading
// the clock was the largest part of setting a timer and stopping it. It need not be exact, as long as nothing fires
// early: so now() may be ahead of the clock, never behind it.
//
//   DC1  A reading of the kernel's clock is remembered with the cycle counter's from before it. For reuse_cycles after it
//        now() adds the cycles since, at a rate that is too fast by an eighth. The kernel slews its clock by a tenth at
//        most, and 0.05 % (adjtimex: tick and freq), so now() is not behind it.
//   DC2  The rate is measured once, against the clock that is never slewed. Readings between which the thread was
//        interrupted are not used.
//   DC3  Only where the kernel itself takes its clock from that counter (clocksource tsc): it has found it to be the same
//        on all CPUs, and to count on while they sleep. Elsewhere, and until the rate is known, it is monotonic_ns().
//   DC4  One of these belongs to one thread. What is remembered is useless after 30 µs, so a suspended or migrated machine
//        does not matter.
// Refused: CLOCK_MONOTONIC_COARSE (behind by a jiffy, by more where the CPU that counts them has no time to run); the
// counter as the clock of firing timers too (ahead of the kernel's, so they would fire early).
// Checked by tests/unit/sched/deadline_clock_test.cpp.
#pragma once

#include <cstdint>

#include "arch/cycles.h"
#include "base/atomic.h"

namespace weft::sched {

class deadline_clock {
 public:
  static constexpr std::uint64_t reuse_cycles = 1 << 16;  // 13 to 65 µs

  // monotonic_ns() or later, by no more than an eighth of reuse_cycles.
  std::int64_t now() noexcept {
    if constexpr (arch::has_cycles) {
      const std::uint64_t since = arch::cycles() - at_cycles_;
      if (since < reuse_cycles) [[likely]]
        return at_ns_ + static_cast<std::int64_t>((since * rate_.load(base::relaxed)) >> rate_bits);
    }
    return read();
  }

  // DC2: to be called now and then until it returns true. By one thread.
  static bool measure() noexcept;

 private:
  static constexpr unsigned rate_bits = 32;
  // ns per cycle and an eighth, times 2^rate_bits; 0: not known. Written once.
  static base::atomic<std::uint64_t> rate_;

  [[gnu::noinline]] std::int64_t read() noexcept;

  std::uint64_t at_cycles_ = 0;
  std::int64_t at_ns_ = 0;
};

}  // namespace weft::sched
