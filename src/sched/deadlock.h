// Finding out that nobody can ever run again.
#pragma once

namespace weft::sched {

// If every goroutine is parked for ever and nothing from outside can change that: prints them and exits with status 2.
// Called by the monitor when everything has been idle for a while.
void report_deadlock_if_any();

}  // namespace weft::sched
