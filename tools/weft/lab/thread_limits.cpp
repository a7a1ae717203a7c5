// A limit reached is a limit reached by everybody: a machine whose thread ids are used up cannot even start a shell. So
// a sixteenth of every machine-wide limit (a thousand threads at least) stays free.
#include "thread_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>

#include "probes.h"
#include "proc_status.h"

namespace weft::lab {
namespace {

constexpr double thread_bytes = 16 * 1024;  // stack pages, page tables and what the kernel keeps for a thread

long reserved(long value) { return std::max(value / 16, 1000L); }

// The fourth word of /proc/loadavg: running/existing.
long threads_in_system() {
  std::istringstream words(tool::probe::first_line("/proc/loadavg"));
  std::string skipped, tasks;
  words >> skipped >> skipped >> skipped >> tasks;
  const auto slash = tasks.find('/');
  return slash == std::string::npos ? 0 : std::atol(tasks.c_str() + slash + 1);
}

double available_memory_bytes() {
  const auto pages = static_cast<double>(::sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  const auto bound = tool::probe::cgroup_limit("memory", "memory.limit_in_bytes", "memory.max");
  return bound ? std::min(pages, static_cast<double>(*bound)) : pages;
}

}  // namespace

double usable_memory_bytes() { return available_memory_bytes() * 0.9; }

std::vector<limit> thread_limits() {
  std::vector<limit> found;
  const long existing = threads_in_system();
  const auto add = [&](std::string name, std::optional<std::uint64_t> value, long used, std::string remedy) {
    if (!value || *value > 1'000'000'000) return;
    const auto most = static_cast<long>(*value);
    found.push_back({std::move(name), most, std::max(most - used - reserved(most), 0L), std::move(remedy)});
  };
  add("kernel.threads-max", tool::probe::number_in("/proc/sys/kernel/threads-max"), existing,
      "sudo sysctl -w kernel.threads-max=2000000");
  add("kernel.pid_max", tool::probe::number_in("/proc/sys/kernel/pid_max"), existing,
      "sudo sysctl -w kernel.pid_max=4194304");
  add("ulimit -u", tool::probe::resource_limit(RLIMIT_NPROC).soft, existing,
      "ulimit -u 2000000, or nproc in /etc/security/limits.conf");
  add("pids.max of the cgroup", tool::probe::cgroup_limit("pids", "pids.max", "pids.max"), existing,
      "pids.max of the cgroup (systemd: TasksMax=, docker: --pids-limit)");

  // A stack and its guard are two mappings.
  const long maps = static_cast<long>(tool::probe::number_in("/proc/sys/vm/max_map_count").value_or(65'530));
  found.push_back(
      {"vm.max_map_count", maps, std::max((maps - 500) / 2, 0L), "sudo sysctl -w vm.max_map_count=4200000"});

  const double memory = usable_memory_bytes();
  found.push_back({"free memory in MiB", static_cast<long>(memory / 0x1p20), static_cast<long>(memory / thread_bytes),
                   "more memory"});
  std::ranges::sort(found, {}, &limit::room);
  return found;
}

limit tightest_thread_limit() { return thread_limits().front(); }

}  // namespace weft::lab
