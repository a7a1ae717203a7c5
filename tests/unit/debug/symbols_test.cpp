#include "debug/symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include "arch/unwind_registers.h"

namespace {

using namespace weft::debug;
using testing::EndsWith;
using testing::HasSubstr;

constexpr int inlined_line = __LINE__ + 2;
[[gnu::always_inline]] inline std::uint64_t inlined_one() {
  return weft::arch::registers_here().value[weft::arch::registers::pc];
}
constexpr int outer_line = __LINE__ + 2;
[[gnu::noinline]] std::uint64_t somewhere_known(int& x) {
  const std::uint64_t pc = inlined_one();
  x += 1;
  return pc;
}

class symbols : public testing::Test {
 protected:
  symboliser names{whose::self()};
  void SetUp() override {
    if (!names.has_lines()) GTEST_SKIP() << "libdw is not installed, or weft was built without it";
  }
};

TEST_F(symbols, name_function_file_and_line_of_inlined_frames_too) {
  int x = 0;
  const auto& frames = names.frames(somewhere_known(x), true);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_THAT(frames[0].function, HasSubstr("inlined_one"));
  EXPECT_TRUE(frames[0].is_inlined);
  EXPECT_THAT(frames[0].file, EndsWith("symbols_test.cpp"));
  EXPECT_EQ(frames[0].line, inlined_line);
  EXPECT_THAT(frames[1].function, HasSubstr("somewhere_known(int&)"));
  EXPECT_FALSE(frames[1].is_inlined);
  EXPECT_THAT(frames[1].file, EndsWith("symbols_test.cpp"));
  EXPECT_EQ(frames[1].line, outer_line);
  EXPECT_GT(frames[1].offset, 0u);
}

TEST_F(symbols, of_another_process_are_read_from_its_files) {
  int x = 0;
  symboliser from_outside(whose::process(::getpid()));
  EXPECT_THAT(from_outside.frames(somewhere_known(x), true).back().function, HasSubstr("somewhere_known"));
}

TEST_F(symbols, nowhere_is_no_function) {
  const auto& frames = names.frames(16, false);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].function.empty());
  EXPECT_EQ(frames[0].line, 0);
}

}  // namespace
