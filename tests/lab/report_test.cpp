// The files that `weft lab --report` writes, and the Go twins where there is a Go.
#include <gmock/gmock.h>

#include "lab/lab.h"

namespace lab_test {
namespace {

using testing::HasSubstr;
using testing::Not;

class report : public lab {
 protected:
  void SetUp() override {
    lab::SetUp();
    const cli::outcome o =
        run_lab({"e8", "e5", "--tasks", "100", "--thread-tasks", "5", "--rounds", "100", "--thread-rounds", "10",
                 "--no-go", "--report", (folder_ / "deep" / "report").string()});
    ASSERT_EQ(o.status, 0) << o.err;
    html_ = cli::content(folder_ / "deep" / "report" / "report.html");
    json_ = json::parse(cli::content(folder_ / "deep" / "report" / "report.json"), nullptr, false);
  }

  std::string html_;
  json json_;
};

TEST_F(report, page_needs_nothing_from_anywhere) {
  ASSERT_GT(html_.size(), 100'000U) << "the chart library is inside";
  for (const char* reference : {"http://", "https://", "src=\"", "<link", "@import", "url("})
    EXPECT_THAT(html_, Not(HasSubstr(reference)));
  EXPECT_THAT(html_, Not(HasSubstr("{{"))) << "every mark was replaced";
}

TEST_F(report, page_and_json_carry_the_same_data) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const auto from = html_.find(start);
  ASSERT_NE(from, std::string::npos);
  const auto to = html_.find("</script>", from);
  EXPECT_EQ(json::parse(html_.substr(from + start.size(), to - from - start.size())), json_);
}

TEST_F(report, json_describes_machine_limits_and_experiments) {
  ASSERT_TRUE(json_.is_object());
  EXPECT_GE(json_["machine"]["cpus"], 1);
  EXPECT_FALSE(json_["machine"]["kernel"].get<std::string>().empty());
  EXPECT_FALSE(json_["limits"].get<std::string>().empty());
  EXPECT_FALSE(json_["doctor"].empty());
  ASSERT_EQ(json_["experiments"].size(), 2U);
  EXPECT_EQ(json_["experiments"][0]["id"], "e8");
  EXPECT_EQ(json_["experiments"][0]["parameters"]["tasks"], 100);
  EXPECT_EQ(json_["experiments"][1]["command"], "weft lab e5 --rounds 100 --thread-rounds 10");
}

TEST_F(report, a_folder_that_cannot_be_written_is_a_failure) {
  const auto file = write("occupied", "a file, not a folder");
  const cli::outcome o =
      run_lab({"e8", "--tasks", "10", "--thread-tasks", "2", "--no-go", "--report", (file / "below").string()});
  EXPECT_EQ(o.status, 1);
  EXPECT_THAT(o.err, HasSubstr("cannot make"));
}

TEST_F(lab, go_runs_beside_the_others_where_it_is_found) {
  if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no go on the PATH";
  setenv("GOCACHE", GO_CACHE, 1);
  const cli::outcome o = run_lab({"e8", "e11", "e14", "--tasks", "1000", "--thread-tasks", "10", "--numbers", "2000",
                                  "--thread-numbers", "50", "--ms", "50", "--json"});
  EXPECT_EQ(o.status, 0) << o.err;
  const json all = json::parse(o.out);
  EXPECT_EQ(all["go_missing"], "") << "older than 1.19?";
  EXPECT_GT(figure(find_row(all["experiments"][0], "Go, one by one"), "task_ns"), 0);
  EXPECT_EQ(figure(find_row(all["experiments"][1], "Go, workers"), "primes"), 303);
  EXPECT_GT(figure(find_row(all["experiments"][2], "Go"), "late_p50_s"), 0);
}

TEST_F(lab, without_go_the_rest_runs_and_the_reason_is_given) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", (folder_ / "empty").c_str(), 1);
  const cli::outcome o = run_lab({"e8", "--tasks", "100", "--thread-tasks", "5", "--json"});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(o.status, 0);
  EXPECT_THAT(o.err, HasSubstr("without Go: no go on the PATH"));
  EXPECT_EQ(json::parse(o.out)["experiments"][0]["rows"].size(), 4U);
}

}  // namespace
}  // namespace lab_test
