// The monitor: one thread that watches the processors.
#pragma once

#include "sched/processor.h"

namespace weft::sched {

void start_monitor();

// A processor became busy: the monitor must be awake. One load when it is.
void monitor_notice_work() noexcept;
// A plain thread parked for good: perhaps the last one, and everything is asleep.
void monitor_notice_parked_thread() noexcept;

}  // namespace weft::sched
