// Finding out that nobody can ever run again.
#pragma once

namespace weft::sched {

// If every goroutine is parked for ever and nothing from outside can change that: prints them and exits with status 2.
// Called by the monitor when everything has been idle for a while.
void report_deadlock_if_any();

// The runtime has one thread more, which makes nobody run: it counts as the monitor does.
void note_own_thread() noexcept;

}  // namespace weft::sched
