// Every experiment, tiny: it runs to its end, and its figures are all there and possible.
#include <gmock/gmock.h>

#include "lab/lab.h"

namespace lab_test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

struct tiny {
  std::string id;
  std::size_t rows;  // without Go
  std::vector<std::string> sizes;
};

class experiment : public lab, public testing::WithParamInterface<tiny> {};

TEST_P(experiment, runs_and_has_every_figure_it_shows) {
  std::vector<std::string> words{GetParam().id};
  words.insert(words.end(), GetParam().sizes.begin(), GetParam().sizes.end());
  const json e = run_one(words);
  ASSERT_TRUE(e.is_object());
  if (GetParam().rows) {
    EXPECT_EQ(e["rows"].size(), GetParam().rows);
  }
  EXPECT_GE(e["rows"].size(), 2U);
  for (const json& row : e["rows"]) {
    // Real-time priority is the one thing that a machine may refuse altogether; and the race detector's library need not
    // be built.
    if (row["status"] == "refused") {
      EXPECT_THAT(e["id"], AnyOf("e17", "e18"));
      EXPECT_THAT(row["note"].get<std::string>(), AnyOf(HasSubstr("to allow it"), HasSubstr("weft run --race")));
      continue;
    }
    EXPECT_EQ(row["status"], "ok") << row.dump(1);
    for (const json& column : e["columns"]) {
      const std::string name = column["figure"];
      EXPECT_GE(figure(row, name), name.starts_with("late") ? -1e-9 : 0);
    }
    EXPECT_GT(figure(row, "peak_bytes"), 500'000) << "no process is that small";
    EXPECT_GE(figure(row, "peak_threads"), 1);
    EXPECT_GE(figure(row, "user_s") + figure(row, "sys_s"), 0);
  }
}

TEST_P(experiment, ends_in_a_verdict_that_follows_from_its_checks) {
  std::vector<std::string> words{GetParam().id};
  words.insert(words.end(), GetParam().sizes.begin(), GetParam().sizes.end());
  const json e = run_one(words);
  ASSERT_TRUE(e.is_object());
  ASSERT_FALSE(e["checks"].empty());
  bool any_failed = false, any_undecided = false;
  for (const json& check : e["checks"]) {
    EXPECT_THAT(check["result"].get<std::string>(), AnyOf("held", "did not hold", "not decided"));
    any_failed |= check["result"] == "did not hold";
    any_undecided |= check["result"] == "not decided";
    EXPECT_FALSE(check["measured"].get<std::string>().empty());
  }
  EXPECT_EQ(e["verdict"], any_failed ? "did not hold" : any_undecided ? "not decided" : "held");
  EXPECT_FALSE(e["claim"].get<std::string>().empty());
}

INSTANTIATE_TEST_SUITE_P(
    , experiment,
    testing::Values(tiny{"e1", 3, {"--tasks", "20", "--sleeps", "3"}}, tiny{"e2", 2, {"--tasks", "50"}},
                    tiny{"e3", 2, {"--tasks", "50"}}, tiny{"e4", 5, {"--rounds", "500", "--thread-rounds", "50"}},
                    tiny{"e5", 4, {"--rounds", "500", "--thread-rounds", "50"}}, tiny{"e6", 2, {"--most-tasks", "200"}},
                    tiny{"e7", 8, {"--tasks", "10", "--idle-ms", "20"}},
                    tiny{"e8", 4, {"--tasks", "1000", "--thread-tasks", "20"}},
                    tiny{"e9", 8, {"--most-connections", "20", "--run-ms", "50"}},
                    tiny{"e10", 0, {"--cpu-tasks", "20", "--io-tasks", "200"}},
                    tiny{"e11", 6, {"--numbers", "2000", "--thread-numbers", "50"}},
                    tiny{"e12", 6, {"--events", "4000"}}, tiny{"e13", 4, {"--calls", "16", "--call-ms", "5"}},
                    tiny{"e14", 2, {"--ms", "60"}}, tiny{"e15", 4, {"--steps", "100", "--requests", "40"}},
                    tiny{"e16", 4, {"--goroutines", "10"}}, tiny{"e17", 2, {"--tasks", "100"}}, tiny{"e18", 4, {"--ms", "40"}}),
    [](const auto& info) { return info.param.id; });

TEST_F(lab, sleepers_take_at_least_as_long_as_they_sleep) {
  const json e = run_one({"e1", "--tasks", "20", "--sleeps", "5"});
  for (const json& row : e["rows"]) {
    EXPECT_EQ(figure(row, "tasks"), 20);
    EXPECT_GE(figure(row, "real_s"), 0.050);
  }
}

TEST_F(lab, a_thread_per_sleeper_is_seen_and_no_thread_per_goroutine) {
  const json e = run_one({"e2", "--tasks", "200"});
  EXPECT_GE(figure(find_row(e, "threads"), "peak_threads"), 200);
  EXPECT_LT(figure(find_row(e, "goroutines"), "peak_threads"), 100);
}

TEST_F(lab, all_ways_of_counting_primes_find_the_same) {
  const json e = run_one({"e11", "--numbers", "2000", "--thread-numbers", "50"});
  for (const json& row : e["rows"])
    EXPECT_EQ(figure(row, "primes"), figure(row, "numbers") == 2000 ? 303 : 15) << row["label"];
}

TEST_F(lab, all_ways_of_counting_events_count_every_one) {
  const json e = run_one({"e12", "--events", "4000"});
  for (const json& row : e["rows"])
    EXPECT_EQ(figure(row, "events"), row["form"] == "partial counts" ? 40'000 : 4'000) << row["label"];
}

TEST_F(lab, a_raw_switch_saves_three_registers) {
  const json e = run_one({"e5", "--rounds", "1000", "--thread-rounds", "20"});
  EXPECT_EQ(figure(find_row(e, "plain, raw switch"), "saved_bytes"), 3 * sizeof(void*));
}

TEST_F(lab, a_limit_on_threads_is_named_and_leaves_the_claim_undecided) {
  const json e = run_one({"e2", "--tasks", "40", "--threads-limit", "10"});
  const json threads = find_row(e, "threads");
  EXPECT_EQ(threads["status"], "limited");
  EXPECT_EQ(figure(threads, "tasks"), 10);
  EXPECT_THAT(threads["note"].get<std::string>(), HasSubstr("--threads-limit"));
  EXPECT_EQ(figure(find_row(e, "goroutines"), "tasks"), 40);
  EXPECT_NE(e["verdict"], "held");
}

TEST_F(lab, a_run_that_takes_too_long_is_stopped_and_said_to_be) {
  const json e = run_one({"e1", "--tasks", "2", "--sleeps", "100000", "--timeout", "0.3"});
  for (const json& row : e["rows"]) {
    EXPECT_EQ(row["status"], "timed out");
    EXPECT_THAT(row["note"].get<std::string>(), HasSubstr("--timeout"));
  }
  EXPECT_EQ(e["verdict"], "not decided");
}

TEST_F(lab, the_environment_of_the_tool_reaches_the_goroutines) {
  setenv("WEFT_PROCS", "1", 1);
  const json e = run_one({"e14", "--ms", "50"});
  unsetenv("WEFT_PROCS");
  EXPECT_EQ(figure(find_row(e, "goroutines"), "loops"), 1);
}

}  // namespace
}  // namespace lab_test
