// The one seam for clock, randomness and scheduling choices. A whole program can run under virtual time on a seeded
// schedule by installing a world here; without one, each call is a predictable branch and the real thing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "os/clock.h"

namespace weft::sched {

struct world {
  std::int64_t (*now_ns)();
  std::uint64_t (*random)();
};
extern base::atomic<const world*> installed_world;  // null: the real one

inline std::int64_t now_ns() noexcept {
  if (auto* w = installed_world.load(base::acquire)) [[unlikely]] return w->now_ns();
  return os::monotonic_ns();
}

// xorshift64*, one state per worker or thread: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
inline std::uint64_t next_random(std::uint64_t& state) noexcept {
  if (auto* w = installed_world.load(base::acquire)) [[unlikely]] return w->random();
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}

}  // namespace weft::sched
