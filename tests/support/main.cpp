// main of every test binary: a scenario (`--child NAME`, see child.h) or the GoogleTest runner.
#include "support/child.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--child") == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);  // many scenarios abort: leave no core files behind
    const auto scenario = support::find_child(argv[2]);
    if (!scenario) {
      std::fprintf(stderr, "no such scenario: %s\n", argv[2]);
      return 97;
    }
    return scenario();
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
