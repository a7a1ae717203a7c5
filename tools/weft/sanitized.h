// The library for a program that is compiled for a sanitizer: `weft run --race` and `--asan`.
//
// A program and the library it is linked with must be built for the same sanitizer, so each has a build of the library of
// its own beside the ordinary one (build/run-race, build/run-asan), made on first use and brought up to date by each use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "installation.h"

namespace weft::tool {

enum class sanitizer { none, race, address };

struct sanitized {
  installation weft;                // archive, include folders and compiler changed
  std::vector<std::string> flags;   // for the program
};

// Nothing after saying why not: no source tree, no compiler with the sanitizer's runtime, or a build that failed.
std::optional<sanitized> sanitized_installation(const installation& plain, sanitizer, bool shows_commands);

// Whether the library is there, up to date or not: the first use takes minutes.
bool is_built(const installation& plain, sanitizer);

// What the program's environment has to say unless it says something itself: TSAN_OPTIONS and its kin.
void set_sanitizer_options(sanitizer);

}  // namespace weft::tool
