// Reporting a stack overflow by name.
#pragma once

namespace weft::sched {

void install_overflow_report();

}  // namespace weft::sched
