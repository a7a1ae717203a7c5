// Plain threads for dumps and reports: those that wait in weft with their stacks, and whose stack an address is on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "debug/symbols.h"
#include "sched/known_threads.h"

namespace weft::debug {

std::vector<sched::thread_note> parked_plain_threads();

// Whose stack the address is on. 0: nobody's that could be asked. Threads that run are interrupted for it, as for a dump.
pid_t thread_on_stack(std::uintptr_t address);

// "thread 4711 (worker)", by the name that pthread_setname_np() gave it.
std::string thread_text(pid_t thread);

// "thread 4711 [mutex lock, 5 minutes]: worker\n" and the stack; empty: it does not wait.
std::string parked_thread_text(symboliser& names, pid_t thread, std::int64_t now_ns);
// The same of all that wait, with a heading; empty: none does.
std::string parked_threads_text(symboliser& names, std::int64_t now_ns);

}  // namespace weft::debug
