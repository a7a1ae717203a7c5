#include <weft/version.h>

#include <cstdio>

#include "command.h"
#include "words.h"

namespace weft::tool {

int version_main(int argc, char** argv) {
  CLI::App app("Prints the version and what the tool was built with.", "weft version");
  if (auto status = parse_words(app, argc, argv)) return *status;
#if defined(__clang__)
  const char* compiler = "Clang " __clang_version__;
#else
  const char* compiler = "GCC " __VERSION__;
#endif
#if defined(__x86_64__)
  const char* cpu = "x86-64";
#elif defined(__aarch64__)
  const char* cpu = "aarch64";
#else
  const char* cpu = "unknown CPU";
#endif
  std::printf("weft %s (%s, %s)\n", WEFT_VERSION, cpu, compiler);
  return 0;
}

}  // namespace weft::tool
