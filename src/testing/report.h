// Goroutines, sites and exceptions in words, for reports of failures.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "sched/goroutine.h"

namespace weft::testing {

struct inhabitant;

//   goroutine 17 [chan receive, 2 seconds]: reader
//     waits for 0x7f0c1c000b80
//     created by serve(int) at /home/me/server.cpp:12 in goroutine 1
//
// with an empty line before. What a running one waits for is out of date.
std::string paragraph(const inhabitant& who, std::int64_t now_ns);
std::string paragraph(const sched::goroutine& g, std::int64_t now_ns);

// "std::runtime_error: no such file"
std::string describe(const std::exception_ptr& thrown);

}  // namespace weft::testing
