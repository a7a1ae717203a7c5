// How the runtime dies: one line on stderr that begins "weft: fatal: ", a dump of the goroutines when the scheduler has
// registered one, then abort().
#pragma once

namespace weft::base {

[[noreturn, gnu::cold, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);
[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* what, const char* file, int line);

// Called once, between the message and abort(), by the first thread that dies. Set by sched/dump.cpp at start.
void on_fatal(void (*dump)());

// Writes to stderr without stdio, so that it works in signal handlers and when the heap is broken.
[[gnu::cold, gnu::format(printf, 1, 2)]] void print_error(const char* format, ...);

}  // namespace weft::base
