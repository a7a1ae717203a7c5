// WEFT_DEBUG=schedtrace=1000[,scheddetail=1]: the scheduler's state on stderr at intervals (docs/debugging.md).
#pragma once

#include <cstdint>

namespace weft::sched {

// The monitor's, at each of its looks. Writes what is due; returns when it wants to be asked again: wheel::never when off.
std::int64_t trace_schedule(std::int64_t now_ns);

}  // namespace weft::sched
