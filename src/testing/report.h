// Goroutines, sites and exceptions in words, for reports of failures.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "sched/goroutine.h"

namespace weft::testing {

struct inhabitant;

// "\ngoroutine 17 [chan receive, 2 seconds]: reader\n  waits for 0x7f0c1c000b80\n  created by main+0x4e (...) in goroutine 1\n"
// REQUIRES: it does not run.
std::string paragraph(const inhabitant& who, std::int64_t now_ns);
std::string paragraph(const sched::goroutine& g, std::int64_t now_ns);

// "std::runtime_error: no such file"
std::string describe(const std::exception_ptr& thrown);

}  // namespace weft::testing
