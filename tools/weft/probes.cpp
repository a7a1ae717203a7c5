#include "probes.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace weft::tool::probe {
namespace {

constexpr int madv_guard_install = 102;  // newer than the headers we build with

answer answered(long result) { return {result >= 0, result >= 0 ? 0 : errno}; }

answer opened(long descriptor) {
  const answer a = answered(descriptor);
  if (a.works) ::close(static_cast<int>(descriptor));
  return a;
}

}  // namespace

answer guard_markers() {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const place = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return {false, errno};
  const answer a = answered(::madvise(place, page, madv_guard_install));
  ::munmap(place, page);
  return a;
}

answer membarrier() {
  const long offered = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  if (offered < 0) return {false, errno};
  const bool works = (offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
  return {works, works ? 0 : ENOSYS};
}

answer io_uring() {
  io_uring_params parameters{};
  return opened(::syscall(SYS_io_uring_setup, 4, &parameters));
}

answer userfaultfd() {
  constexpr int user_mode_only = 1;  // UFFD_USER_MODE_ONLY: allowed without privilege
  return opened(::syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only));
}

std::int64_t timer_slack_ns() { return ::prctl(PR_GET_TIMERSLACK); }

soft_and_hard resource_limit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return {};
  const auto value = [](rlim_t n) { return n == RLIM_INFINITY ? std::nullopt : std::optional<std::uint64_t>(n); };
  return {value(limit.rlim_cur), value(limit.rlim_max)};
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string text = first_line(path);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;  // unreadable, or the word "max"
  // Version 1 writes "no limit" as the largest multiple of the page size.
  if (number >= std::uint64_t{std::numeric_limits<std::int64_t>::max()} - (1 << 20)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> cgroup_limit(const std::string& controller, const std::string& v1_file,
                                          const std::string& v2_file) {
  std::optional<std::uint64_t> lowest;
  std::ifstream memberships("/proc/self/cgroup");
  for (std::string line; std::getline(memberships, line);) {  // "4:memory:/path", or "0::/path" for version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const bool is_v2 = names.empty();
    if (!is_v2 && (',' + names + ',').find(',' + controller + ',') == std::string::npos) continue;
    const std::string root = is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controller;
    for (std::filesystem::path group = line.substr(second + 1);; group = group.parent_path()) {
      const auto value = number_in(root + group.string() + '/' + (is_v2 ? v2_file : v1_file));
      if (value) lowest = std::min(*value, lowest.value_or(*value));
      if (!group.has_relative_path()) break;
    }
  }
  return lowest;
}

std::optional<std::string> in_path(const std::string& program) {
  const char* search = std::getenv("PATH");
  std::istringstream folders(search != nullptr ? search : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + '/' + program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace weft::tool::probe
