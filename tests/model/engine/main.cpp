// main of every model: GoogleTest, and --mutant for a program built from a mutated source, where each model must break.
#include <gtest/gtest.h>

#include <cstring>

namespace model {
extern bool mutant_was_built_in;
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  model::mutant_was_built_in = argc == 2 && std::strcmp(argv[1], "--mutant") == 0;
  return RUN_ALL_TESTS();
}
