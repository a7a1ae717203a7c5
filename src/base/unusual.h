// One word for everything that is rarely on: tracing, worlds of virtual time, stacks whose guard is a canary, a kernel
// without membarrier, ... Each of them has a word of its own, which says more. Fast paths ask this one instead of all of
// those, and leave what is out of the ordinary to a longer way that asks each.
//
// Who turns something on notes it before anybody can be concerned: before a goroutine runs on such a stack, before the
// first member of a world is started. So a relaxed look is enough.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::base {

enum unusual : std::uint32_t {
  unusual_trace = 1,
  unusual_canaries = 2,
  unusual_fences = 4,      // no membarrier: os/asymmetric_fence.h
  unusual_migration = 8,   // WEFT_DEBUG=migrate=1
  unusual_world = 16,      // each of them: so often is it added
};

// Hidden: read without a detour through the table of addresses.
[[gnu::visibility("hidden")]] inline constinit atomic<std::uint32_t> unusual_things{0};

inline void note_unusual(unusual what, bool is_on = true) noexcept {
  if (is_on) unusual_things.fetch_or(what, seq_cst);
  else unusual_things.fetch_and(~std::uint32_t{what}, seq_cst);
}

}  // namespace weft::base
