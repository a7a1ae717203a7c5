// How many processors there are.
#pragma once

namespace weft::sched {

// Called by the monitor now and then: follows the CPUs usable by this process, unless a number was asked for.
void follow_cpu_limits();

// At start. 0: as many as there are usable CPUs, followed from then on.
void create_processors(int asked_for);

// For tests, before the runtime starts: /proc and /sys are read below this directory (os/cgroup.h). The text must stay.
void look_at_machine_below(const char* root) noexcept;

}  // namespace weft::sched
