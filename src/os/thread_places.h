// Where other threads of this process are: for dumps.
//
// A thread that is blocked in the kernel is left alone: /proc tells its stack pointer and program counter, which is enough to
// walk its stack. A thread that runs is asked by a signal, whose handler notes its registers. The handler is installed
// with SA_RESTART, so system calls go on; but a few (nanosleep, poll, epoll_wait, select, … : signal(7)) return EINTR
// whatever the flag, which is why only threads that run are asked. One that enters such a call in the microseconds between
// the two looks may see it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace weft::os {

struct blocked_place {
  bool is_blocked = false;      // in a system call
  long call = -1;               // its number
  std::uint64_t sp = 0, pc = 0;
};
// One file of /proc read; false: no such thread, or /proc does not tell.
bool find_blocked_place(pid_t thread, blocked_place& place) noexcept;

// The stack pointers of those threads of this process that are blocked in the kernel. One file of /proc read for each.
std::vector<std::uint64_t> blocked_stack_pointers();

// The threads of this process at this moment.
std::vector<pid_t> all_threads();

// Calls visit(argument, context) on `thread`, in a signal handler; `context` is what the handler got as its third argument.
// Waits for it, no longer than `patience_ns`. False: it was not called, and will not be. One caller at a time; others wait
// for the same time. Takes the highest real-time signal that the program does not use, and keeps it.
bool visit_thread(pid_t thread, void (*visit)(void* argument, void* context), void* argument, std::int64_t patience_ns) noexcept;

}  // namespace weft::os
