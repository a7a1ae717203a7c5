// `weft run`: the program is the user's, and everything about its end is the program's own.
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <csignal>

#include "cli/tool.h"

namespace {

using cli::outcome;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class run : public cli::tool_test {
 protected:
  std::size_t programs_in_cache() const {
    std::size_t count = 0;
    const fs::path cache = folder_ / "cache" / "weft" / "run";
    if (!fs::exists(cache)) return 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(cache)) ++count;
    return count;
  }
  static bool compiles(const outcome& o) { return o.err.find(" -o ") != std::string::npos; }  // with -x
};

TEST_F(run, passes_words_input_output_and_exit_status_through) {
  const fs::path file = write("echo.cpp", R"(
    #include <cstdio>
    int main(int argc, char** argv) {
      for (int i = 1; i < argc; ++i) std::printf("[%s]", argv[i]);
      for (int c; (c = std::getchar()) != EOF;) std::putchar(c);
      std::fputs("on stderr", stderr);
      return 7;
    })");
  const outcome o = weft({"run", file.string(), "one", "two words", "--help", "--", "-x"}, "typed");
  EXPECT_EQ(o.status, 7);
  EXPECT_EQ(o.out, "[one][two words][--help][--][-x]typed");
  EXPECT_EQ(o.err, "on stderr");
}

TEST_F(run, links_against_weft) {
  const fs::path file = write("weft.cpp", R"(
    #include <weft/version.h>
    #include <weft/error.h>
    #include <cstdio>
    int main() { std::printf("%s", weft::result<int>(5) ? WEFT_VERSION : ""); })");
  const outcome o = weft({"run", file.string()});
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ("weft " + o.out, weft({"version"}).out.substr(0, 5 + o.out.size()));
}

TEST_F(run, links_what_the_network_needs) {
  const fs::path file = write("net.cpp", "#include <weft/net.h>\nint main() { return weft::net::listen_tcp(\"127.0.0.1:0\") ? 0 : 1; }\n");
  const outcome o = weft({"run", file.string()});
  EXPECT_EQ(o.status, 0) << o.err;
}

TEST_F(run, dies_by_the_signal_that_killed_the_program) {
  const fs::path file = write("die.cpp", R"(
    #include <csignal>
    int main() { std::raise(SIGTERM); })");
  EXPECT_EQ(weft({"run", file.string()}).signal, SIGTERM);
}

TEST_F(run, interrupt_reaches_the_program) {
  // The program says that it is ready through a FIFO, is interrupted, and ends in its own way.
  const fs::path fifo = folder_ / "ready";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const fs::path file = write("catch.cpp", R"(
    #include <csignal>
    #include <fcntl.h>
    #include <unistd.h>
    int main(int, char** argv) {
      std::signal(SIGINT, [](int) { _exit(42); });
      int ready = open(argv[1], O_WRONLY);
      if (write(ready, "r", 1) != 1) return 1;
      for (;;) pause();
    })");
  const pid_t pid = start({"run", file.string(), fifo.string()});
  const int ready = open(fifo.c_str(), O_RDONLY);
  char letter = 0;
  EXPECT_EQ(read(ready, &letter, 1), 1);
  close(ready);
  EXPECT_EQ(kill(pid, SIGINT), 0);
  EXPECT_EQ(finish(pid).status, 42);
}

TEST_F(run, compile_errors_are_shown_as_they_are) {
  const fs::path file = write("wrong.cpp", "int main() { return undeclared_name; }\n");
  const outcome o = weft({"run", file.string()});
  EXPECT_EQ(o.status, 1);
  EXPECT_THAT(o.err, HasSubstr(file.string() + ":1:21: error:"));
  EXPECT_THAT(o.err, HasSubstr("undeclared_name"));
  EXPECT_THAT(o.out, IsEmpty());
  EXPECT_EQ(programs_in_cache(), 0U);

  const outcome missing = weft({"run", write("include.cpp", "#include \"not_there.h\"\n").string()});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("not_there.h"));
}

TEST_F(run, a_file_that_is_not_there_is_named) {
  const outcome o = weft({"run", "no_such_file.cpp"});
  EXPECT_EQ(o.status, 1);
  EXPECT_THAT(o.err, HasSubstr("no_such_file.cpp: No such file"));
  EXPECT_EQ(weft({"run"}).status, 2);
}

TEST_F(run, a_second_run_does_not_compile) {
  const fs::path file = write("same.cpp", "int main() { return 3; }\n");
  const outcome first = weft({"run", "-x", file.string()});
  const outcome second = weft({"run", "-x", file.string()});
  EXPECT_TRUE(compiles(first)) << first.err;
  EXPECT_FALSE(compiles(second)) << second.err;
  EXPECT_EQ(second.status, 3);
  EXPECT_EQ(programs_in_cache(), 1U);
}

TEST_F(run, a_change_in_source_header_or_flags_compiles_again) {
  write("value.h", "inline int value() { return 4; }\n");
  const fs::path file = write("main.cpp", "#include \"value.h\"\nint main() { return value() + EXTRA; }\n");
  setenv("CXXFLAGS", "-DEXTRA=0", 1);
  EXPECT_EQ(weft({"run", file.string()}).status, 4);
  write("value.h", "inline int value() { return 5; }\n");
  EXPECT_EQ(weft({"run", file.string()}).status, 5);
  setenv("CXXFLAGS", "-DEXTRA=10", 1);
  EXPECT_EQ(weft({"run", file.string()}).status, 15);
  unsetenv("CXXFLAGS");
  EXPECT_EQ(programs_in_cache(), 3U);
}

TEST_F(run, several_at_once_share_the_cache) {
  const fs::path file = write("once.cpp", "int main() { return 9; }\n");
  std::vector<pid_t> pids;
  for (int i = 0; i < 4; ++i) pids.push_back(start({"run", file.string()}));
  for (const pid_t pid : pids) EXPECT_EQ(finish(pid).status, 9);
  EXPECT_EQ(programs_in_cache(), 1U);  // and no half-made one beside it
}

TEST_F(run, a_cache_that_cannot_be_written_is_named) {
  setenv("XDG_CACHE_HOME", "/proc", 1);
  const outcome o = weft({"run", write("any.cpp", "int main() {}\n").string()});
  EXPECT_EQ(o.status, 1);
  EXPECT_THAT(o.err, HasSubstr("/proc/weft/run"));
}

}  // namespace
