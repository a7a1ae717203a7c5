// Modes of WEFT_DEBUG that make rare interleavings common.
#pragma once

#include "sched/worker.h"

namespace weft::sched {

// migrate=1: a goroutine never continues on the worker it parked on. Finds code that keeps errno, a thread_local or its
// address across a park. Written once at start.
[[gnu::visibility("hidden")]] extern bool migrate_mode;

inline bool must_migrate(const goroutine& g, const worker& w) noexcept {
  return migrate_mode && g.last_worker == &w && !g.pinned_to;
}

}  // namespace weft::sched
