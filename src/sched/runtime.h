// Starting, resizing and stopping the runtime.
#pragma once

#include "base/atomic.h"
#include "sched/poller.h"

namespace weft::sched {

extern base::atomic<bool> started;
void start_runtime();

// Any entry point calls this first; after the first time it is one load.
inline void ensure_started() {
  if (!started.load(base::acquire)) [[unlikely]] start_runtime();
}

// Something outside the scheduler may make goroutines runnable at any time (a signal handler): no deadlock is reported
// while one is registered.
void external_source_add() noexcept;
void external_source_remove() noexcept;
[[nodiscard]] bool has_external_source() noexcept;

}  // namespace weft::sched
