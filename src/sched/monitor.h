// The monitor: one thread that watches the processors.
#pragma once

#include <cstdint>

#include "sched/processor.h"

namespace weft::sched {

void start_monitor();

// A processor became busy: the monitor must be awake. One load when it is.
void monitor_notice_work() noexcept;
// All processors are busy and a timer was armed: the monitor makes one of them look at it in time.
void monitor_notice_timer(std::int64_t when_ns) noexcept;
// A plain thread parked for good: perhaps the last one, and everything is asleep.
void monitor_notice_parked_thread() noexcept;
// An errand was posted (errand.h). Async-signal-safe.
void monitor_notice_errand() noexcept;

}  // namespace weft::sched
