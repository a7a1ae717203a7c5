// Questions to the kernel, each answered by trying, or by reading the file that says so. Nothing stays changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft::tool::probe {

struct answer {
  bool works = false;
  int error = 0;  // why not
};

answer guard_markers();  // MADV_GUARD_INSTALL, Linux 6.13
answer membarrier();     // PRIVATE_EXPEDITED, Linux 4.14
answer io_uring();
answer userfaultfd();

std::int64_t timer_slack_ns();

// Limits; nullopt: unlimited or unknown.
struct soft_and_hard {
  std::optional<std::uint64_t> soft, hard;
};
soft_and_hard resource_limit(int resource);

std::string first_line(const std::string& path);  // empty when it cannot be read
std::optional<std::uint64_t> number_in(const std::string& path);

// The lowest value of a controller's limit among this process's cgroup and its ancestors, version 1 or 2:
// cgroup_limit("pids", "pids.max", "pids.max").
std::optional<std::uint64_t> cgroup_limit(const std::string& controller, const std::string& v1_file,
                                          const std::string& v2_file);

std::optional<std::string> in_path(const std::string& program);

}  // namespace weft::tool::probe
