#include "base/fatal.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "base/assert.h"

namespace {

TEST(fatal_death, prints_one_line_and_aborts) {
  EXPECT_EXIT(weft::base::fatal("stack of %s is %d", "x", 7), testing::KilledBySignal(SIGABRT),
              "^weft: fatal: stack of x is 7\n$");
}

TEST(fatal_death, a_long_message_is_cut_and_still_ends_its_line) {
  const std::string endless(5000, 'y');
  EXPECT_EXIT(weft::base::fatal("%s", endless.c_str()), testing::KilledBySignal(SIGABRT), "^weft: fatal: y+\n$");
}

TEST(fatal_death, dump_comes_once_even_when_it_dies_itself) {
  EXPECT_EXIT(
      {
        weft::base::on_fatal([] {
          weft::base::print_error("dump\n");
          weft::base::fatal("while dumping");
        });
        weft::base::fatal("first");
      },
      testing::KilledBySignal(SIGABRT), "^weft: fatal: first\ndump\nweft: fatal: while dumping\n$");
}

TEST(assert_death, names_the_claim_and_the_place) {
  EXPECT_EXIT(weft_assert(1 + 1 == 3, "arithmetic holds"), testing::KilledBySignal(SIGABRT),
              "^weft: fatal: arithmetic holds \\(1 \\+ 1 == 3 is false at .*fatal_test.cpp:[0-9]+\\)\n$");
}

TEST(assert, true_claims_cost_nothing_but_the_look) {
  int looks = 0;
  weft_assert(++looks == 1, "evaluated once");
  EXPECT_EQ(looks, 1);
}

}  // namespace
