// Finding the quota takes three steps, the same for both versions of control groups:
//
//   1  /proc/self/cgroup names the process's group in each hierarchy: "4:cpu,cpuacct:/docker/17ab" for v1, "0::/app" for
//      v2. The path counts from the root of the process's cgroup namespace, which need not be the real root.
//   2  /proc/self/mountinfo says where each hierarchy is mounted, and which of its directories is the root of the mount:
//      a container often sees only its own group, mounted on /sys/fs/cgroup. So the group's path is cut by the mount's
//      root and appended to the mount point.
//   3  From there up to the mount point each directory may hold a quota, and all apply: the tightest counts. What lies
//      above the mount point is invisible, and its quota too.
//
// A group that is not inside a mount's root is not visible through this mount, with one exception: a mount made outside
// the cgroup namespace has a root like "/../..". Its mount point is an ancestor of ours, whose quota applies.
#include "os/cgroup.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "os/file.h"

namespace weft::os {
namespace {

constexpr double no_quota = std::numeric_limits<double>::infinity();

// Cuts the text before the next `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view head = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return head;
}

bool list_contains(std::string_view list, std::string_view item) {
  while (!list.empty())
    if (cut(list, ',') == item) return true;
  return false;
}

// mountinfo writes space, tab, newline and backslash in paths as \ooo.
std::string unescaped(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct groups {
  std::optional<std::string> v1, v2;  // of the hierarchy with the cpu controller, and of the unified one
};

groups groups_of_process(std::string_view cgroup_file) {
  groups found;
  while (!cgroup_file.empty()) {
    std::string_view path = cut(cgroup_file, '\n');
    const std::string_view id = cut(path, ':');
    const std::string_view controllers = cut(path, ':');
    if (id == "0" && controllers.empty()) found.v2 = path;
    if (list_contains(controllers, "cpu")) found.v1 = path;
  }
  return found;
}

struct mount {
  bool is_v2;
  std::string root, point;
};

// The line's fields: id, parent, device, root, mount point, options, any number of optional fields, "-", type, source,
// super-block options.
std::optional<mount> parse_cpu_mount(std::string_view line) {
  for (int skipped = 0; skipped < 3; ++skipped) cut(line, ' ');
  const std::string_view root = cut(line, ' '), point = cut(line, ' ');
  while (!line.empty() && cut(line, ' ') != "-") {}
  const std::string_view type = cut(line, ' ');
  cut(line, ' ');
  if (type == "cgroup2") return mount{true, unescaped(root), unescaped(point)};
  if (type == "cgroup" && list_contains(line, "cpu")) return mount{false, unescaped(root), unescaped(point)};
  return std::nullopt;
}

bool only_parents(std::string_view path) {
  cut(path, '/');
  bool any = false;
  while (!path.empty()) {
    if (cut(path, '/') != "..") return false;
    any = true;
  }
  return any;
}

// The group's directory below the mount point: "" for the mount point itself, or "/a/b"; nothing when not visible there.
std::optional<std::string> path_below(const mount& m, const std::string& group) {
  if (only_parents(m.root)) return "";
  const std::string_view root = m.root == "/" ? "" : std::string_view{m.root};
  if (!group.starts_with(root)) return std::nullopt;
  std::string below = group.substr(root.size());
  if (!below.empty() && below.front() != '/') return std::nullopt;
  if (below.find("/..") != below.npos) return std::nullopt;  // outside our namespace
  if (below == "/") below.clear();
  return below;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

double ratio(std::optional<std::int64_t> quota_us, std::optional<std::int64_t> period_us) {
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return no_quota;  // -1 and "max" mean none
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

double quota_of_directory(bool is_v2, const std::string& directory) {
  if (is_v2) {
    const auto file = read_file(directory + "/cpu.max");
    std::string_view text = file ? std::string_view{*file} : "";
    const std::string_view quota = cut(text, ' ');
    return ratio(parse_int(quota), parse_int(text));
  }
  const auto quota = read_file(directory + "/cpu.cfs_quota_us");
  const auto period = read_file(directory + "/cpu.cfs_period_us");
  return quota && period ? ratio(parse_int(*quota), parse_int(*period)) : no_quota;
}

double tightest_quota(const mount& m, const std::string& root, std::string below) {
  double tightest = no_quota;
  for (;;) {
    tightest = std::min(tightest, quota_of_directory(m.is_v2, root + m.point + below));
    if (below.empty()) return tightest;
    below.resize(below.rfind('/'));
  }
}

}  // namespace

double cgroup_cpu_quota(const std::string& root) {
  const auto cgroup_file = read_file(root + "/proc/self/cgroup");
  const auto mount_file = read_file(root + "/proc/self/mountinfo");
  if (!cgroup_file || !mount_file) return no_quota;
  const groups own = groups_of_process(*cgroup_file);
  double tightest = no_quota;
  for (std::string_view lines = *mount_file; !lines.empty();) {
    const auto m = parse_cpu_mount(cut(lines, '\n'));
    const auto& group = m && m->is_v2 ? own.v2 : own.v1;
    if (!m || !group) continue;
    if (auto below = path_below(*m, *group)) tightest = std::min(tightest, tightest_quota(*m, root, std::move(*below)));
  }
  return tightest;
}

}  // namespace weft::os
