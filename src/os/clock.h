// The monotonic clock as one number.
#pragma once

#include <cstdint>
#include <ctime>

namespace weft::os {

// Nanoseconds on CLOCK_MONOTONIC: the clock behind std::chrono::steady_clock and behind futex deadlines, so the three
// may be compared and converted freely. Read through the vDSO: no system call. Never fails on a Linux that can run us.
inline std::int64_t monotonic_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// CLOCK_MONOTONIC_RAW: the same without the corrections that make it run as fast as the time of day. For measuring rates.
inline std::int64_t never_slewed_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace weft::os
