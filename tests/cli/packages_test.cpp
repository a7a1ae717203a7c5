// scripts/packages, with stand-ins for dpkg-query, apt-get, sudo and id that come first in PATH and write down their
// words.
#include <gmock/gmock.h>

#include "cli/tool.h"

namespace {

using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class packages : public cli::tool_test {
 protected:
  void SetUp() override {
    tool_test::SetUp();
    fs::create_directory(folder_ / "bin");
    stand_in("id", "echo 0");
    stand_in("apt-get", "echo \"apt-get $*\" >>\"$CALLS\"");
    stand_in("sudo", "echo -n 'sudo ' >>\"$CALLS\"; exec \"$@\"");
    installed({"g++", "cmake", "ninja-build", "pkgconf|pkg-config (= 1.8)", "libgtest-dev", "libgmock-dev", "liburing-dev", "libdw-dev",
               "libcli11-dev", "nlohmann-json3-dev", "libjs-chart.js"});
  }

  void stand_in(const std::string& name, const std::string& script) const {
    const fs::path file = write("bin/" + name, "#!/bin/bash\n" + script + '\n');
    fs::permissions(file, fs::perms::owner_all);
  }

  void installed(const std::vector<std::string>& names) const {
    std::string lines;
    for (const std::string& name : names) {
      lines += "ii |" + name + (name.find('|') == std::string::npos ? "|" : "") + "\n";
    }
    stand_in("dpkg-query", "cat <<'END'\n" + lines + "rc |removed-package|\nEND");
  }

  struct result {
    int status;
    std::string err, calls;
  };
  result run(const std::string& words) const {
    const std::string line = "PATH='" + (folder_ / "bin").string() + "':$PATH CALLS='" + (folder_ / "calls").string() +
                             "' '" WEFT_SCRIPTS "/packages' " + words + " 2>'" + (folder_ / "err").string() + "'";
    const int status = std::system(line.c_str());
    return {WEXITSTATUS(status), cli::content(folder_ / "err"), cli::content(folder_ / "calls")};
  }
};

TEST_F(packages, is_silent_and_calls_nothing_when_all_are_there) {
  const result r = run("build");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, IsEmpty());
  EXPECT_THAT(r.calls, IsEmpty());
}

TEST_F(packages, installs_exactly_the_missing_ones_and_says_so) {
  installed({"g++", "cmake", "pkgconf|pkg-config (= 1.8)", "libgtest-dev", "libgmock-dev", "liburing-dev", "nlohmann-json3-dev",
             "libjs-chart.js"});
  const result r = run("build");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("installing missing packages: ninja-build libdw-dev libcli11-dev\n"));
  EXPECT_THAT(r.calls, HasSubstr(" install -y --no-install-recommends ninja-build libdw-dev libcli11-dev\n"));
  EXPECT_THAT(r.calls, testing::Not(HasSubstr("sudo")));
}

TEST_F(packages, uses_sudo_when_not_root) {
  stand_in("id", "echo 1000");
  const result r = run("clang");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.calls, HasSubstr("sudo apt-get "));
  EXPECT_THAT(r.calls, HasSubstr(" clang-19\n"));
}

TEST_F(packages, refreshes_the_lists_and_tries_again_when_the_first_try_fails) {
  stand_in("apt-get", "echo \"apt-get $*\" >>\"$CALLS\"; [[ $* != *install* || $(grep -c install \"$CALLS\") == 2 ]]");
  const result r = run("clang");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.calls,
              testing::ContainsRegex("install [^\n]*clang-19\n[^\n]* update\n[^\n]* install [^\n]*clang-19\n"));
}

TEST_F(packages, fails_when_the_packages_cannot_be_installed) {
  stand_in("apt-get", "exit 100");
  EXPECT_NE(run("clang").status, 0);
}

TEST_F(packages, an_unknown_set_is_a_usage_error) {
  EXPECT_EQ(run("bulid").status, 2);
  EXPECT_EQ(run("").status, 2);
}

}  // namespace
