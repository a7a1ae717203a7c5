#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/tool.h"

namespace {

using cli::outcome;
using testing::HasSubstr;

class doctor : public cli::tool_test {
 protected:
  nlohmann::json findings() const {
    const outcome o = weft({"doctor", "--json"});
    EXPECT_EQ(o.status, 0);
    return nlohmann::json::parse(o.out).at("findings");
  }
  static nlohmann::json named(const nlohmann::json& findings, const std::string& name) {
    for (const auto& f : findings) {
      if (f.at("name") == name) return f;
    }
    ADD_FAILURE() << "no finding " << name;
    return {};
  }
};

TEST_F(doctor, names_every_feature_and_limit_once) {
  std::multiset<std::string> names;
  for (const auto& f : findings()) {
    names.insert(f.at("name").get<std::string>());
    EXPECT_FALSE(f.at("value").get<std::string>().empty()) << f;
    EXPECT_FALSE(f.at("effect").get<std::string>().empty()) << f;
    EXPECT_TRUE(f.at("level") == "ok" || !f.at("remedy").get<std::string>().empty()) << f;
  }
  for (const char* name : {"guard_markers", "io_uring", "membarrier", "userfaultfd", "max_map_count", "threads_max",
                           "open_files", "cpu_quota", "affinity", "procs", "huge_pages", "overcommit_memory",
                           "timer_slack", "user_processes", "cgroup_pids", "go", "gdb", "valgrind"}) {
    EXPECT_EQ(names.count(name), 1U) << name;
  }
}

TEST_F(doctor, procs_follows_the_setting) {
  setenv("WEFT_PROCS", "3", 1);
  EXPECT_EQ(named(findings(), "procs").at("value"), "3");
  unsetenv("WEFT_PROCS");
}

TEST_F(doctor, a_low_limit_on_open_files_is_named_with_its_remedy) {
  // The shell lowers the limit, then becomes the tool: the limit of this process stays.
  const auto report = folder_ / "report";
  const std::string line = "ulimit -n 256 && exec '" WEFT_COMMAND "' doctor --json > '" + report.string() + "'";
  ASSERT_EQ(std::system(line.c_str()), 0);
  const auto files = named(nlohmann::json::parse(cli::content(report)).at("findings"), "open_files");
  EXPECT_THAT(files.at("value").get<std::string>(), testing::StartsWith("256 "));
  EXPECT_EQ(files.at("level"), "limit");
  EXPECT_THAT(files.at("remedy").get<std::string>(), HasSubstr("nofile"));
}

TEST_F(doctor, the_table_says_the_same_as_the_json) {
  const outcome table = weft({"doctor"});
  EXPECT_EQ(table.status, 0);
  for (const auto& f : findings()) {
    EXPECT_THAT(table.out, HasSubstr(f.at("name").get<std::string>()));
    EXPECT_THAT(table.out, HasSubstr(f.at("effect").get<std::string>()));
  }
}

}  // namespace
