// Reporting a stack overflow by name.
#pragma once

#include <cstddef>

#include "sched/goroutine.h"

namespace weft::sched {

void install_overflow_report();

[[noreturn, gnu::cold]] void report_overflow(const goroutine& g, std::size_t stack_bytes);

}  // namespace weft::sched
