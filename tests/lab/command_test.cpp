// The words of `weft lab`.
#include <gmock/gmock.h>

#include "lab/lab.h"

namespace lab_test {
namespace {

using cli::outcome;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(lab, list_names_every_experiment_with_its_sizes) {
  const outcome o = run_lab({"--list"});
  EXPECT_EQ(o.status, 0);
  for (const char* id :
       {"e1 ", "e2 ", "e3 ", "e4 ", "e5 ", "e6 ", "e7 ", "e8 ", "e9 ", "e10 ", "e11 ", "e12 ", "e13 ", "e14 ", "e15 ", "e16 ",
        "e17 ", "e18 "})
    EXPECT_THAT("\n" + o.out, HasSubstr(std::string("\n") + id));
  EXPECT_THAT(o.out, HasSubstr("--sleeps"));
}

TEST_F(lab, help_is_shown_on_stdout) {
  const outcome o = run_lab({"--help"});
  EXPECT_EQ(o.status, 0);
  for (const char* word : {"--quick", "--report", "--json", "--list", "--tasks", "--threads-limit"})
    EXPECT_THAT(o.out, HasSubstr(word));
}

TEST_F(lab, an_unknown_experiment_is_refused_with_the_nearest) {
  const std::pair<const char*, const char*> slips[] = {
      {"pingpnog", "pingpong"}, {"sleeper", "sleepers"}, {"milion", "million"}};
  for (const auto& [slip, meant] : slips) {
    const outcome o = run_lab({slip});
    EXPECT_EQ(o.status, 2) << slip;
    EXPECT_THAT(o.err, HasSubstr("'" + std::string(slip) + "'; did you mean '" + meant + "'?"));
    EXPECT_THAT(o.out, IsEmpty());
  }
}

TEST_F(lab, one_wrong_word_stops_all_before_anything_runs) {
  const outcome o = run_lab({"e5", "nonsense", "--rounds", "10", "--thread-rounds", "10", "--no-go", "--json"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.out, IsEmpty());
}

TEST_F(lab, a_size_that_no_chosen_experiment_has_is_refused) {
  const outcome o = run_lab({"e8", "--sleeps", "3"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("--sleeps"));
}

TEST_F(lab, sizes_that_are_no_positive_numbers_are_refused) {
  for (const char* size : {"0", "-5", "many", "1e3x"}) EXPECT_EQ(run_lab({"e8", "--tasks", size}).status, 2) << size;
}

TEST_F(lab, experiments_are_found_by_id_in_any_case_and_by_name) {
  for (const char* word : {"e8", "E8", "spawn"}) {
    const json e = run_one({word, "--tasks", "10", "--thread-tasks", "2"});
    EXPECT_EQ(e.at("id"), "e8");
  }
}

TEST_F(lab, the_terminal_shows_machine_limits_claim_figures_verdict_and_how_to_repeat) {
  const outcome o =
      run_lab({"e8", "--tasks", "100", "--thread-tasks", "10", "--no-go", "--report", (folder_ / "r").string()});
  EXPECT_EQ(o.status, 0) << o.err;
  for (const char* part : {"\nE8  Spawn and join", "\n  claim ", "\n  machine ", "\n  limits ", "\n  sizes ",
                           "goroutines, one by one", "\n  verdict ", "weft lab e8 --tasks 100 --thread-tasks 10"})
    EXPECT_THAT(o.out, HasSubstr(part));
}

TEST_F(lab, a_run_beyond_two_seconds_reports_progress_on_stderr) {
  const outcome o = run_lab({"e1", "--tasks", "4", "--sleeps", "150", "--no-go", "--json"});
  EXPECT_EQ(o.status, 0);
  EXPECT_THAT(o.err, HasSubstr("E1: "));
  EXPECT_THAT(o.err, Not(HasSubstr("\033"))) << "no terminal, no control characters";
}

}  // namespace
}  // namespace lab_test
