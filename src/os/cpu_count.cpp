#include "os/cpu_count.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>

#include "os/cgroup.h"

namespace weft::os {

int affinity_cpus() {
  const int saved_errno = errno;
  int cpus = 0;
  // The kernel answers EINVAL while the mask is smaller than its own, whose size is a build option: up to 8192 CPUs
  // today, so double until it fits.
  for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(capacity), [](cpu_set_t* m) { CPU_FREE(m); });
    if (mask == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(capacity);
    CPU_ZERO_S(size, mask.get());
    if (sched_getaffinity(getpid(), size, mask.get()) == 0) {
      cpus = CPU_COUNT_S(size, mask.get());
      break;
    }
    if (errno != EINVAL) break;
  }
  if (cpus == 0) cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  errno = saved_errno;
  return std::max(cpus, 1);
}

int cpus_within(int cpus, double quota) {
  const double whole = std::ceil(quota);  // 1.5 CPUs of time are used up by two at most
  return whole < cpus ? std::max(1, static_cast<int>(whole)) : cpus;
}

int usable_cpus(const std::string& root) { return cpus_within(affinity_cpus(), cgroup_cpu_quota(root)); }

}  // namespace weft::os
