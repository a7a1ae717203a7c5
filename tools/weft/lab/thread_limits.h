// How many more threads this machine allows, and what forbids more.
#pragma once

#include <string>
#include <vector>

namespace weft::lab {

struct limit {
  std::string name;    // "kernel.pid_max"
  long value;          // what the limit is set to
  long room;           // threads that still fit under it, a reserve for others left alone
  std::string remedy;  // what to raise, and how
};

// The limits on threads, tightest first.
std::vector<limit> thread_limits();
limit tightest_thread_limit();

// Memory that a run may take without pushing others out: nine tenths of what is available.
double usable_memory_bytes();

}  // namespace weft::lab
