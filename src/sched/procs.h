// How many processors there are.
#pragma once

namespace weft::sched {

// Called by the monitor now and then: follows the CPUs usable by this process, unless a number was asked for.
void follow_cpu_limits();

void create_processors(int count, bool is_fixed);

}  // namespace weft::sched
