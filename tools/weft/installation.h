// Where this tool's library, headers and tests are: the tree it was built in, or the prefix it was installed under.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weft::tool {

struct installation {
  std::filesystem::path archive;                    // libweft.a
  std::vector<std::filesystem::path> include_dirs;  // for -I
  std::filesystem::path source_dir;                 // empty when installed
  std::filesystem::path build_dir;                  // empty when installed
  std::string compiler;                             // the one that built the library
  bool needs_liburing = false;                      // a program that uses the poller has to be linked with it

  bool is_source_tree() const { return !source_dir.empty(); }
};

installation find_installation();

}  // namespace weft::tool
