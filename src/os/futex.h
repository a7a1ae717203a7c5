// A 32-bit word that threads of this process sleep on.
#pragma once

#include <cstdint>
#include <limits>

#include "base/atomic.h"

namespace weft::os {

inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

// Blocks the calling thread while `word` holds `expected`, until futex_wake(word), or until `deadline_ns` on
// CLOCK_MONOTONIC (absolute; no_deadline: for ever; a deadline in the past returns at once).
// Returns 0 when woken, EAGAIN when the word did not hold `expected`, ETIMEDOUT, or EINTR after a signal. Wake-ups may
// be spurious (0, EINTR): the caller looks at the word again, whatever is returned. Leaves errno as it was.
[[gnu::noinline]] int futex_wait(base::atomic<std::uint32_t>& word, std::uint32_t expected,
                                 std::int64_t deadline_ns) noexcept;

// Wakes up to `count` threads asleep on `word`; returns how many. The word may already be gone, as when the sleeper saw
// the new value by itself and its stack was reused: the kernel only looks the address up, so a stale wake is at worst a
// spurious one for someone else. Leaves errno as it was.
[[gnu::noinline]] int futex_wake(base::atomic<std::uint32_t>& word, int count) noexcept;

}  // namespace weft::os
