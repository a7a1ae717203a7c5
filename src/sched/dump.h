// Printing all goroutines, for those who need to know why nothing moves.
#pragma once

#include "arch/unwind_registers.h"

namespace weft::sched {

struct goroutine;

void install_dump();       // base::fatal and std::terminate on a goroutine print it

// To stderr, without stacks: addresses only. Allocates nothing, takes no lock: what is left when all else fails.
void dump_goroutines();

// Why there is a dump with stacks and symbols, and whose stack is known: its goroutine dies.
struct dump_request {
  enum class cause : unsigned char { fatal, exception, overflow, deadlock, quit } why = cause::fatal;
  const goroutine* who = nullptr;
  arch::registers frame;
};
// Set once by src/debug, which stands above this layer. It needs a large stack and a heap.
using full_dump = void (*)(const dump_request&);
void set_full_dump(full_dump) noexcept;
void install_full_dump();  // in src/debug

// On the monitor's thread, from any other. Waits, but not for ever, and falls back to dump_goroutines().
void dump_all(dump_request request) noexcept;
// By the monitor's thread itself.
void dump_all_here(const dump_request& request);

// The next dump begins at this place, not in the signal handler that calls it; `context` is the handler's third argument.
void note_fault(const void* context) noexcept;

}  // namespace weft::sched
