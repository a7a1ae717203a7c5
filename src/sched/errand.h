// Errands: work for the monitor's thread, from somebody who cannot do it where he is: a signal handler, a goroutine whose
// stack is full, a thread that dies. The monitor has a stack of its own that is large enough for anything, holds no lock, and
// is there since the runtime started.
//
//   E1  One errand at a time. Posting it is two stores and a futex wake: a signal handler may.
//   E2  Whoever posts may wait, and never for ever: the monitor may be stuck behind a lock that the poster holds.
//   E3  An errand that faults ends there: the monitor sleeps for good, and the poster is told. So a dump that stumbles
//       over a broken heap does not take the place of the message that it was to explain.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::sched {

enum class errand_state : std::uint32_t { idle, posted, begun, done, faulted };

// False: there is one already, or no monitor. `job` and `argument` must stay until the state is done or faulted.
bool post_errand(void (*job)(void* argument), void* argument) noexcept;

// Waits until the errand has got that far, or `patience_ns` are over. The state at the end.
errand_state wait_for_errand(errand_state at_least, std::int64_t patience_ns) noexcept;

// The errand is done with: others may post. REQUIRES: done.
void forget_errand() noexcept;

// --- the monitor's side ----------------------------------------------------------------------------------------------

bool errand_is_posted() noexcept;
void run_errand();  // if one is posted
// From handlers of SIGSEGV and the like: if the calling thread runs an errand, it does not return.
void give_up_errand() noexcept;

}  // namespace weft::sched
