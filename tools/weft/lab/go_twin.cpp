#include "go_twin.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "installation.h"
#include "probes.h"
#include "subprocess.h"

namespace weft::lab {
namespace {

namespace fs = std::filesystem;

constexpr int oldest_minor = 19;

std::string output_of(const std::string& shell_command) {
  std::string text;
  if (std::FILE* pipe = ::popen(shell_command.c_str(), "re")) {
    char chunk[512];
    while (const std::size_t got = std::fread(chunk, 1, sizeof chunk, pipe)) text.append(chunk, got);
    ::pclose(pipe);
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

fs::path cache_folder() {
  if (const char* chosen = std::getenv("XDG_CACHE_HOME"); chosen && *chosen) return fs::path(chosen) / "weft";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/tmp") / ".cache" / "weft";
}

}  // namespace

const go_toolchain& find_go() {
  static const go_toolchain found = [] {
    go_toolchain go;
    const fs::path fetched = cache_folder() / "go" / "go";  // where bench/get-go puts one
    const auto path = fs::exists(fetched) ? fetched.string() : tool::probe::in_path("go");
    if (!path) return go;
    go.version = output_of(tool::shell_line({*path, "env", "GOVERSION"}) + " 2>/dev/null");
    const int minor = go.version.starts_with("go1.") ? std::atoi(go.version.c_str() + 4) : 0;
    if (minor >= oldest_minor) go.path = *path;
    return go;
  }();
  return found;
}

const std::string& go_twin_path() {
  static const std::string path = (cache_folder() / "lab-go").string();
  return path;
}

std::string build_go_twin() {
  const go_toolchain& go = find_go();
  if (go.path.empty()) return go.version.empty() ? "no go on the PATH (bench/get-go fetches one)" : go.version + " is older than go1.19";
  const fs::path sources = tool::find_installation().source_dir / "bench" / "go";
  if (!fs::exists(sources / "go.mod")) return "the sources of the Go twins (bench/go) are not here";
  std::error_code failure;
  fs::create_directories(cache_folder(), failure);
  // Go's own cache makes this cheap when nothing changed.
  const std::string log =
      output_of("cd " + tool::shell_line({sources.string()}) + " && GOFLAGS=-mod=mod GOTOOLCHAIN=local " +
                tool::shell_line({go.path, "build", "-o", go_twin_path(), "."}) + " 2>&1");
  return log.empty() ? "" : "go build: " + log.substr(0, log.find('\n', log.find('\n') + 1));
}

}  // namespace weft::lab
