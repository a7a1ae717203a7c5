// The CPU's own time stamp counter: no clock by itself, as nobody says how fast it counts (sched/deadline_clock.h).
#pragma once

#include <cstdint>

namespace weft::arch {

// Not ordered against what surrounds it: a few nanoseconds early or late. Cheaper by half than the kernel's clock.
#if defined(__x86_64__)
inline constexpr bool has_cycles = true;
inline std::uint64_t cycles() noexcept { return __builtin_ia32_rdtsc(); }
#else
inline constexpr bool has_cycles = false;  // aarch64: the kernel's clock costs little more than its counter
inline std::uint64_t cycles() noexcept { return 0; }
#endif

}  // namespace weft::arch
