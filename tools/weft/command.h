// The subcommands of `weft`. Each takes its own words, argv[0] being the subcommand's name, and returns the exit status:
// 0 well, 1 the work failed, 2 the words were wrong.
#pragma once

#include <span>
#include <string_view>

namespace weft::tool {

struct command {
  std::string_view name;
  std::string_view usage;    // the words after the name
  std::string_view summary;  // one line
  int (*main)(int argc, char** argv);
};

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

int run_main(int argc, char** argv);
int test_main(int argc, char** argv);
int doctor_main(int argc, char** argv);
int ps_main(int argc, char** argv);
int stack_main(int argc, char** argv);
int version_main(int argc, char** argv);

// All subcommands, in the order of `weft --help`.
std::span<const command> commands();

}  // namespace weft::tool
