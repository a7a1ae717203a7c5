// Does an exploration of schedules (weft/testing.h) go on? Here, below sched/seam.h, for operations that are inlined.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>

namespace weft::sched {

// How many explorations there are. Hidden: tested by one instruction, without a detour through the table of addresses.
[[gnu::visibility("hidden")]] extern base::atomic<std::uint32_t> explorations_alive;

inline bool exploring() noexcept { return explorations_alive.load(base::relaxed) != 0; }

}  // namespace weft::sched
