// What each fact about this machine means for weft. One function per group; the facts come from probes.h and from the
// runtime's own readers, so that the doctor reports what the runtime will do and not a second opinion.
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/settings.h"
#include "doctor.h"
#include "os/cgroup.h"
#include "os/cpu_count.h"
#include "probes.h"

namespace weft::tool {
namespace {

using level = finding::level;
using optional_count = std::optional<std::uint64_t>;

constexpr std::uint64_t KiB = 1024, MiB = KiB * 1024, GiB = MiB * 1024;

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

std::string grouped(optional_count n) { return n ? grouped(*n) : "unlimited"; }

std::string as_bytes(optional_count n) {
  if (!n) return "unlimited";
  if (*n >= GiB) return grouped(*n / GiB) + " GiB";
  if (*n >= MiB) return grouped(*n / MiB) + " MiB";
  return grouped(*n / KiB) + " KiB";
}

std::string yes_or_why(probe::answer a) { return a.works ? "yes" : "no (" + std::string(std::strerror(a.error)) + ")"; }

level note_unless(bool good) { return good ? level::ok : level::note; }
level limit_unless(bool good) { return good ? level::ok : level::limit; }
std::string unless(bool good, std::string remedy) { return good ? "" : std::move(remedy); }

void examine_machine(std::vector<finding>& found) {
  utsname name{};
  ::uname(&name);
  found.push_back({"machine", "kernel", std::string(name.sysname) + ' ' + name.release + ' ' + name.machine,
                   "features are probed at start, not taken from the version", "", level::ok});
  found.push_back({"machine", "page_size", as_bytes(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
                   "a parked goroutine keeps at least one page of stack", "", level::ok});
  const auto total =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const optional_count bound = probe::cgroup_limit("memory", "memory.limit_in_bytes", "memory.max");
  const std::uint64_t memory = std::min(total, bound.value_or(total));
  const bool fits = memory >= 6 * GiB;
  found.push_back({"machine", "memory", as_bytes(memory) + (bound && *bound < total ? " (cgroup)" : ""),
                   "a million parked goroutines take about 4.7 GB",
                   unless(fits, "more memory, or a larger memory.max of the cgroup"), note_unless(fits)});
}

void examine_cpu(std::vector<finding>& found) {
  const int configured = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  const int in_mask = os::affinity_cpus();
  found.push_back({"CPU", "affinity", std::to_string(in_mask) + " of " + std::to_string(configured) + " CPUs",
                   "counted by procs()", unless(in_mask == configured, "taskset -pc, or the cpuset of the cgroup"),
                   note_unless(in_mask == configured)});
  const double quota = os::cgroup_cpu_quota();
  const bool has_quota = quota < in_mask;
  char quota_text[32];
  std::snprintf(quota_text, sizeof quota_text, "%.2f CPUs", quota);
  found.push_back({"CPU", "cpu_quota", std::isinf(quota) ? "none" : quota_text,
                   "counted by procs(), rounded up, read again while running",
                   unless(!has_quota, "cpu.max (cgroup v2) or cpu.cfs_quota_us (v1) of the cgroup or an ancestor"),
                   note_unless(!has_quota)});
  const int chosen = base::settings().procs;
  found.push_back({"CPU", "procs", std::to_string(chosen > 0 ? chosen : os::usable_cpus()),
                   "this many goroutines run at once" + std::string(chosen > 0 ? " (WEFT_PROCS)" : ""),
                   "WEFT_PROCS, run_options::procs or set_procs()", level::ok});
  const probe::answer membarrier = probe::membarrier();
  found.push_back({"CPU", "membarrier", yes_or_why(membarrier),
                   membarrier.works ? "entering and leaving the runtime costs no memory fence"
                                    : "entering and leaving the runtime pays a full fence, a few ns each",
                   unless(membarrier.works, "Linux 4.14 or newer, and a seccomp profile that allows membarrier"),
                   note_unless(membarrier.works)});
}

void examine_stacks(std::vector<finding>& found) {
  const probe::answer guards = probe::guard_markers();
  found.push_back({"stacks and memory", "guard_markers", yes_or_why(guards),
                   guards.works ? "stack guards take no memory mapping of their own (MADV_GUARD_INSTALL)"
                                : "stack guards by mprotect, two mappings each; beyond vm.max_map_count/2, a canary",
                   unless(guards.works, "Linux 6.13 or newer"), note_unless(guards.works)});

  const std::uint64_t maps = probe::number_in("/proc/sys/vm/max_map_count").value_or(65'530);
  const bool suffices = guards.works ? maps >= 60'000 : maps >= 2'100'000;
  found.push_back(
      {"stacks and memory", "max_map_count", grouped(maps),
       guards.works ? "a million stacks fit: neighbours share a mapping"
                    : "about " + grouped(maps / 2) + " stacks with a hard guard, the rest with a canary",
       unless(suffices, "sudo sysctl -w vm.max_map_count=" + std::string(guards.works ? "65530" : "2100000")),
       note_unless(suffices)});

  const std::uint64_t stack_size = base::settings().stack_size;
  const optional_count address_space = probe::resource_limit(RLIMIT_AS).soft;
  found.push_back({"stacks and memory", "address_space", as_bytes(address_space),
                   "each stack reserves " + as_bytes(stack_size) + " of addresses, memory only where touched",
                   unless(!address_space, "ulimit -v unlimited"), limit_unless(!address_space)});

  const std::string overcommit = probe::first_line("/proc/sys/vm/overcommit_memory");
  const bool is_strict = overcommit == "2";
  found.push_back({"stacks and memory", "overcommit_memory",
                   overcommit.empty() ? "unknown" : overcommit + (is_strict ? " (strict)" : ""),
                   is_strict ? "reserved stacks count as memory in use: few of them fit"
                             : "reserved stacks cost nothing until touched",
                   unless(!is_strict, "sudo sysctl -w vm.overcommit_memory=0, or a smaller WEFT_STACK_SIZE"),
                   limit_unless(!is_strict)});

  const std::string huge = probe::first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  found.push_back({"stacks and memory", "huge_pages", huge.empty() ? "none" : huge,
                   "stacks opt out: a huge page per stack would cost 2 MiB each", "", level::ok});
  const probe::answer faults = probe::userfaultfd();
  found.push_back({"stacks and memory", "userfaultfd", yes_or_why(faults), "not needed", "", level::ok});
}

void examine_threads(std::vector<finding>& found) {
  const auto wanted = static_cast<std::uint64_t>(base::settings().max_threads);
  found.push_back({"threads", "max_threads", grouped(wanted),
                   "goroutines blocked in the kernel hold a thread each, up to this many", "WEFT_MAX_THREADS",
                   level::ok});
  const auto add = [&](const char* name, optional_count value, const char* remedy) {
    const bool suffices = !value || *value >= wanted;
    found.push_back({"threads", name, grouped(value),
                     suffices ? "above max_threads" : "bounds the threads before max_threads does",
                     unless(suffices, remedy), note_unless(suffices)});
  };
  add("threads_max", probe::number_in("/proc/sys/kernel/threads-max"), "sudo sysctl -w kernel.threads-max=200000");
  add("pid_max", probe::number_in("/proc/sys/kernel/pid_max"), "sudo sysctl -w kernel.pid_max=4194304");
  add("user_processes", probe::resource_limit(RLIMIT_NPROC).soft, "ulimit -u, or nproc in /etc/security/limits.conf");
  add("cgroup_pids", probe::cgroup_limit("pids", "pids.max", "pids.max"),
      "pids.max of the cgroup (systemd: TasksMax=; docker: --pids-limit)");
  const optional_count thread_stack = probe::resource_limit(RLIMIT_STACK).soft;
  found.push_back({"threads", "thread_stack", as_bytes(thread_stack),
                   "what a thread in the lab's comparisons reserves; goroutines do not depend on it", "", level::ok});
  const std::uint64_t realtime = probe::resource_limit(RLIMIT_RTPRIO).soft.value_or(99);
  const bool may = realtime > 0 || ::geteuid() == 0;
  found.push_back({"threads", "realtime_priority", may ? "permitted" : "not permitted",
                   "a pinned goroutine may ask for real-time scheduling (lab experiment E18)",
                   unless(may, "ulimit -r 99, or CAP_SYS_NICE"), note_unless(may)});
}

void examine_timers_and_io(std::vector<finding>& found) {
  found.push_back({"timers and I/O", "timer_slack",
                   grouped(static_cast<std::uint64_t>(probe::timer_slack_ns())) + " ns",
                   "the runtime sets 1 ns on its own threads: a sleep ends on time", "", level::ok});
  const auto [soft, hard] = probe::resource_limit(RLIMIT_NOFILE);
  const bool suffices = !soft || *soft >= 10'100;
  const bool may_raise = !hard || *hard >= 10'100;
  found.push_back({"timers and I/O", "open_files", grouped(soft) + " (hard " + grouped(hard) + ")",
                   "one descriptor per connection, file or pipe",
                   unless(suffices, may_raise ? "ulimit -n " + grouped(hard) : "nofile in /etc/security/limits.conf"),
                   limit_unless(suffices)});
  const probe::answer ring = probe::io_uring();
  found.push_back({"timers and I/O", "io_uring", yes_or_why(ring), "not used by this version", "", level::ok});
}

void examine_tools(std::vector<finding>& found) {
  const auto add = [&](const char* program, const char* with, const char* without, const char* remedy) {
    const auto path = probe::in_path(program);
    found.push_back(
        {"tools", program, path.value_or("not found"), path ? with : without, path ? "" : remedy, level::ok});
  };
  add("go", "the lab runs its Go twins too", "the lab compares with OS threads only", "apt-get install golang-go");
  add("gdb", "stacks of running goroutines can be inspected", "crashes leave only weft's own dump",
      "apt-get install gdb");
  add("valgrind", "memory checks of programs", "not needed", "apt-get install valgrind");
  add("perf", "profiles by the kernel", "not needed", "apt-get install linux-perf");
}

}  // namespace

const char* to_string(finding::level severity) {
  switch (severity) {
    case level::ok: return "ok";
    case level::note: return "note";
    case level::limit: return "limit";
  }
  return "?";
}

std::vector<finding> examine() {
  std::vector<finding> found;
  examine_machine(found);
  examine_cpu(found);
  examine_stacks(found);
  examine_threads(found);
  examine_timers_and_io(found);
  examine_tools(found);
  return found;
}

}  // namespace weft::tool
