// `weft test`: build everything that is missing, then become ctest, whose summary ends the output.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "command.h"
#include "installation.h"
#include "os/cpu_count.h"
#include "subprocess.h"

namespace weft::tool {
namespace {

constexpr const char* help =
    "Builds what is missing and runs the test suite.\n"
    "Usage: weft test [ctest options…]\n\n"
    "Everything after `test` goes to ctest, for example:\n"
    "  -R REGEX    only tests whose name matches\n"
    "  -L LABEL    only unit, semantics, stress, misuse, golden, examples, cli, install…\n"
    "  -N          list, run nothing\n"
    "  -V          show the output of tests that pass too\n"
    "  -j N        this many at a time (default: one per CPU)\n";

}  // namespace

int test_main(int argc, char** argv) {
  const std::vector<std::string> given(argv + 1, argv + argc);
  if (!given.empty() && (given[0] == "--help" || given[0] == "-h")) {
    std::fputs(help, stdout);
    return 0;
  }
  if (!given.empty() && !given[0].starts_with('-')) {
    std::fprintf(stderr, "weft test: unexpected '%s'; to choose tests by name: weft test -R %s\n", given[0].c_str(),
                 given[0].c_str());
    return exit_usage;
  }
  const installation weft = find_installation();
  if (!weft.is_source_tree()) {
    std::fputs("weft test: this copy was installed; the tests are in the source tree\n", stderr);
    return exit_failed;
  }
  const std::string build_dir = weft.build_dir.string();
  if (run_program({"cmake", "--build", build_dir}) != 0) return exit_failed;

  const std::string jobs = std::to_string(os::usable_cpus());
  std::vector<std::string> line{"ctest", "--test-dir", build_dir, "--output-on-failure", "-j", jobs};
  line.insert(line.end(), given.begin(), given.end());
  const int failure = become("ctest", line);
  std::fprintf(stderr, "weft test: cannot start ctest: %s\n", std::strerror(failure));
  return exit_failed;
}

}  // namespace weft::tool
