// The programs `weft run` compiled, by content: one folder per key, holding one executable.
//
// Several `weft run` may share the cache at once. A program is compiled in a folder of its own and moved into place by
// one rename, so whoever sees a key sees a whole program; of two that compile the same, the first rename wins. Removing
// a program that runs is harmless: the kernel keeps its file; one that was removed between find() and its start is
// compiled again by the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace weft::tool {

class run_cache {
 public:
  struct limits {
    std::size_t programs = 64;
    std::uintmax_t bytes = std::uintmax_t{512} << 20;
  };

  explicit run_cache(std::filesystem::path folder) : run_cache(std::move(folder), limits{}) {}
  run_cache(std::filesystem::path folder, limits most) : folder_(std::move(folder)), most_(most) {}

  // ${XDG_CACHE_HOME:-~/.cache}/weft/run
  static std::filesystem::path default_folder();

  // The program under `key`, which counts as used now; nothing when it is not there.
  std::optional<std::filesystem::path> find(const std::string& key, const std::string& name) const;

  // An empty folder to compile in. Throws std::filesystem::filesystem_error when the cache cannot be written.
  std::filesystem::path new_workspace() const;

  // Moves a workspace into place as `key`, then removes the least recently used programs beyond the limits.
  void insert(const std::filesystem::path& workspace, const std::string& key) const;

 private:
  void trim(const std::string& kept_key) const;

  std::filesystem::path folder_;
  limits most_;
};

}  // namespace weft::tool
