#include "judge.h"

#include <gmock/gmock.h>

namespace weft::lab {
namespace {

using testing::HasSubstr;

outcome run_of(kind who, std::map<std::string, double> figures, arguments extra = {}) {
  outcome o;
  o.what = {who, "", std::move(extra), {}};
  o.status = outcome::state::ok;
  o.figures = std::move(figures);
  return o;
}

TEST(judge, a_figure_within_its_bound_holds_and_beyond_it_fails) {
  const std::vector<outcome> runs{run_of(kind::threads, {{"cpu_s", 6}}), run_of(kind::goroutines, {{"cpu_s", 2}})};
  judge j(runs, {});
  j.at_least("more", j.ratio({kind::threads}, {kind::goroutines}, "cpu_s"), 3);
  j.at_least("much more", j.ratio({kind::threads}, {kind::goroutines}, "cpu_s"), 3.01);
  j.at_most("not long", j.figure({kind::goroutines}, "cpu_s"), 2, "_s");
  ASSERT_EQ(j.checks().size(), 3U);
  EXPECT_EQ(j.checks()[0].answer, check::result::held);
  EXPECT_EQ(j.checks()[1].answer, check::result::failed);
  EXPECT_EQ(j.checks()[2].answer, check::result::held);
  EXPECT_EQ(j.checks()[2].measured, "2.00 s; claimed at most 2.00 s");
}

TEST(judge, a_missing_run_leaves_the_check_undecided_and_says_why) {
  outcome late = run_of(kind::threads, {{"cpu_s", 6}});
  late.status = outcome::state::timed_out;
  late.note = "stopped after 3 s";
  const std::vector<outcome> runs{late, run_of(kind::goroutines, {{"cpu_s", 2}})};
  judge j(runs, {});
  j.at_least("more", j.ratio({kind::threads}, {kind::goroutines}, "cpu_s"), 3);
  j.at_least("no such figure", j.figure({kind::goroutines}, "speed"), 3);
  j.at_least("no such run", j.figure({kind::go}, "cpu_s"), 3);
  for (const check& c : j.checks()) EXPECT_EQ(c.answer, check::result::undecided) << c.claim;
  EXPECT_THAT(j.checks()[0].measured, HasSubstr("stopped after 3 s"));
  EXPECT_THAT(j.checks()[2].measured, HasSubstr("not run"));
}

TEST(judge, runs_are_told_apart_by_their_arguments) {
  const std::vector<outcome> runs{run_of(kind::goroutines, {{"rate", 1}}, {{"procs", 1}}),
                                  run_of(kind::goroutines, {{"rate", 2}}, {{"procs", 2}})};
  const judge j(runs, {});
  EXPECT_EQ(j.figure({kind::goroutines, "", {{"procs", 2}}}, "rate").value, 2);
  EXPECT_FALSE(j.figure({kind::goroutines, "", {{"procs", 3}}}, "rate").value.has_value());
}

TEST(judge, a_limited_run_is_not_complete_but_its_figures_count) {
  outcome limited = run_of(kind::threads, {{"cpu_s", 6}});
  limited.status = outcome::state::limited;
  limited.note = "stopped at 10 threads";
  const std::vector<outcome> runs{limited};
  judge j(runs, {});
  j.complete("all ran", {kind::threads});
  EXPECT_EQ(j.checks()[0].answer, check::result::undecided);
  EXPECT_EQ(j.figure({kind::threads}, "cpu_s").value, 6);
}

TEST(judge, overall_one_failure_decides_and_one_doubt_withholds) {
  using enum check::result;
  const auto of = [](std::vector<check::result> answers) {
    std::vector<check> checks;
    for (const check::result answer : answers) checks.push_back({"", "", answer});
    return overall(checks);
  };
  EXPECT_EQ(of({held, held}), held);
  EXPECT_EQ(of({held, undecided}), undecided);
  EXPECT_EQ(of({undecided, failed}), failed);
  EXPECT_EQ(of({}), undecided);
}

}  // namespace
}  // namespace weft::lab
