// The experiments' Go twins (bench/go): built when a Go toolchain is on the PATH.
#pragma once

#include <string>

namespace weft::lab {

struct go_toolchain {
  std::string path;     // empty: none found, or too old
  std::string version;  // "go1.19.8"
};
const go_toolchain& find_go();  // looks once

// Builds the twins unless that was done. Empty: done; else why not.
std::string build_go_twin();
const std::string& go_twin_path();  // where build_go_twin puts them

}  // namespace weft::lab
