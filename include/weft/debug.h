// Looking into a program that runs.
//
//   weft::debug::dump();                       // all goroutines with their stacks, on stderr
//
// The same happens by itself when the process gets SIGQUIT (it then exits with status 2), and before it dies of an exception
// that left a goroutine, of a deadlock, a stack overflow or a failed check of the runtime. docs/debugging.md tells how to
// read it.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include <weft/clock.h>

namespace weft::debug {

// Prints all goroutines to a descriptor, in the form of Go's dumps, those with the same stack once with their number.
// From any goroutine or thread; blocks until it is done, but not on a descriptor that takes nothing for 5 seconds.
// Goroutines go on meanwhile: each is caught at its own moment. Those that run are interrupted for a few microseconds by a
// real-time signal (with SA_RESTART); those blocked in system calls are not. A million takes seconds and about 100 MB.
void dump(int descriptor = STDERR_FILENO);

// Goroutines and plain threads that wait for each other's locks in a circle, while others may run.
struct deadlock {
  std::vector<std::uint64_t> goroutines;  // each waits for a lock that the next one holds; threads come in between
  std::vector<int> threads;               // plain threads in the circle, by the kernel's numbers
  std::string report;                     // who waits for what, and their stacks
};

// All such circles now, by weft::mutex and weft::rw_mutex. Takes 20 ms if there seems to be one: it looks twice, and reports
// what was there both times without anybody having moved. A holder is who locked it. Several readers of one rw_mutex are
// known if all of them are parked and the mutex's address is on their stacks. WEFT_DEBUG=deadlock=1 looks every second and
// prints each circle once. A process in which nobody can run any more ends with a report in any case.
std::vector<deadlock> deadlocks();

// A goroutine that will probably never run again.
struct leak {
  enum class evidence : std::uint8_t {
    proven,     // it waits for a channel to which only such goroutines have a handle, or for a nil channel
    suspected,  // it has waited for longer than the given age
  };
  evidence how;
  std::uint64_t count;                    // goroutines with the same stack
  std::vector<std::uint64_t> goroutines;  // the first ten of them
  std::string report;                     // why, their stack, and where they were started
};

// Proven leaks, and those suspected after `age` of waiting for something that is neither time nor a descriptor. Reads all
// writable memory of the process once if anybody could be proven: about 3 GB/s. Goroutines go on meanwhile.
// WEFT_DEBUG=leaks=1 prints them when the process exits.
std::vector<leak> leaks(clock::duration age = std::chrono::minutes(1));

}  // namespace weft::debug
