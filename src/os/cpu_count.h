// How many CPUs this process may really use.
#pragma once

#include <string>

namespace weft::os {

// The CPUs of the process's affinity mask, or the CPU quota of its control groups rounded up, whichever is less; at
// least 1. Both may change while the process runs: ask again. The mask is that of the main thread, which is what
// `taskset -p` and container runtimes change; cpusets are contained in it. `root` is for tests: see os/cgroup.h.
int usable_cpus(const std::string& root = "");

// Its two halves. `affinity_cpus` falls back to the CPUs that are online when the mask cannot be read.
int affinity_cpus();
int cpus_within(int cpus, double quota);

}  // namespace weft::os
