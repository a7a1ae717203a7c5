// How much CPU time the control groups of this process allow it.
#pragma once

#include <string>

namespace weft::os {

// The tightest CPU quota among the process's control group and all its ancestors that can be seen, in CPUs: 1.5 means
// 150 ms in each 100 ms. Infinity: no quota. cgroup v1 and v2 are both looked at, for they may be mounted side by side.
// Files that are missing, denied or not understood are passed over. `root` is put before every path, for tests.
// Reads some ten files: not for a fast path.
double cgroup_cpu_quota(const std::string& root = "");

}  // namespace weft::os
