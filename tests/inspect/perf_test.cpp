// `perf record --call-graph fp`: each sample in a goroutine leads from the user's function to the goroutine's bottom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "inspect/subject.h"

namespace {

using inspect::scratch;
using inspect::shell;

// The call chains of a `perf script`, innermost function first.
std::vector<std::vector<std::string>> chains_of(const std::string& text) {
  std::vector<std::vector<std::string>> chains;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    if (line[0] != ' ' && line[0] != '\t')
      chains.emplace_back();
    else if (!chains.empty())
      chains.back().push_back(line);
  }
  return chains;
}

TEST(perf, follows_frame_pointers_across_switches) {
  scratch folder;
  const std::string data = folder / "perf.data";
  const auto made = shell("perf record -q -e cpu-clock:u -F 499 --call-graph fp -o '" + data + "' '" WEFT_PROFILED "'");
  if (!std::filesystem::exists(data) || std::filesystem::file_size(data) == 0)
    GTEST_SKIP() << "perf is not here, or may not count: " << made.text;
  const auto script = shell("perf script -i '" + data + "' -F comm,ip,sym");
  std::size_t in_user_code = 0, whole = 0;
  for (const auto& chain : chains_of(script.text)) {
    if (chain.empty() || chain[0].find("churn_numbers") == std::string::npos) continue;
    ++in_user_code;
    ASSERT_GE(chain.size(), 3u) << script.text.substr(0, 4000);
    // A function that calls nobody has no frame of its own: its caller, churn_often, may be missing, but not who called that.
    const bool has_callers = chain[1].find("compute_and_yield") != std::string::npos ||
                             chain[2].find("compute_and_yield") != std::string::npos;
    EXPECT_TRUE(has_callers) << chain[1] << chain[2];
    whole += chain.back().find("weft_goroutine_start") != std::string::npos;
  }
  if (in_user_code == 0) GTEST_SKIP() << "perf took no samples here: " << made.text << script.text.substr(0, 400);
  EXPECT_GE(in_user_code, 20u);
  EXPECT_EQ(whole, in_user_code) << "a chain that does not end at the bottom";
}

}  // namespace
