#include "run_cache.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <vector>

namespace weft::tool {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view workspace_prefix = "tmp.";

std::uintmax_t size_of(const fs::path& folder) {
  std::uintmax_t total = 0;
  std::error_code gone;  // another process may remove it meanwhile
  for (const auto& file : fs::directory_iterator(folder, gone)) {
    const std::uintmax_t size = file.file_size(gone);
    if (!gone) total += size;
  }
  return total;
}

}  // namespace

fs::path run_cache::default_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return fs::path(xdg) / "weft" / "run";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    const passwd* user = ::getpwuid(::geteuid());
    home = user != nullptr ? user->pw_dir : "/";
  }
  return fs::path(home) / ".cache" / "weft" / "run";
}

std::optional<fs::path> run_cache::find(const std::string& key, const std::string& name) const {
  const fs::path program = folder_ / key / name;
  if (::access(program.c_str(), X_OK) != 0) return std::nullopt;
  std::error_code ignored;  // a read-only cache still serves, it only forgets what was used last
  fs::last_write_time(folder_ / key, fs::file_time_type::clock::now(), ignored);
  return program;
}

fs::path run_cache::new_workspace() const {
  fs::create_directories(folder_);
  std::string name = (folder_ / (std::string(workspace_prefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw fs::filesystem_error("cannot create a folder", folder_, std::error_code(errno, std::generic_category()));
  }
  return name;
}

void run_cache::insert(const fs::path& workspace, const std::string& key) const {
  std::error_code taken;
  fs::rename(workspace, folder_ / key, taken);
  if (taken) fs::remove_all(workspace, taken);
  trim(key);
}

void run_cache::trim(const std::string& kept_key) const {
  struct entry {
    fs::path folder;
    fs::file_time_type used;
    std::uintmax_t bytes;
  };
  const auto an_hour_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  std::vector<entry> entries;
  std::uintmax_t bytes = 0;
  std::error_code gone;
  for (const auto& found : fs::directory_iterator(folder_, gone)) {
    const std::string name = found.path().filename();
    const auto used = found.last_write_time(gone);
    if (gone) continue;
    if (name.starts_with(workspace_prefix)) {
      if (used < an_hour_ago) fs::remove_all(found.path(), gone);  // of a compile that was interrupted
      continue;
    }
    entries.push_back({found.path(), used, size_of(found.path())});
    bytes += entries.back().bytes;
  }
  std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.used < b.used; });
  std::size_t programs = entries.size();
  for (const entry& oldest : entries) {
    if (programs <= most_.programs && bytes <= most_.bytes) break;
    if (oldest.folder.filename() == kept_key) continue;
    fs::remove_all(oldest.folder, gone);
    --programs;
    bytes -= oldest.bytes;
  }
}

}  // namespace weft::tool
