// `weft run --race` and `--asan`.
#include <gmock/gmock.h>

#include "cli/tool.h"
#include "sanitized.h"

namespace {

using cli::outcome;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using weft::tool::sanitizer;
namespace fs = std::filesystem;

class sanitized_run : public cli::tool_test {
 protected:
  // Building a library takes minutes, so it is left to the first use outside of this test: .ci/run makes one.
  static bool is_built(sanitizer which) {
    weft::tool::installation here;
    here.source_dir = WEFT_SOURCES;
    here.build_dir = fs::path(WEFT_COMMAND).parent_path().parent_path();
    return weft::tool::is_built(here, which);
  }
};

#define NEEDS_LIBRARY_FOR(which) \
  if (!is_built(which)) GTEST_SKIP() << "its library is not built yet: `./weft run` with the option builds it"

constexpr const char* counting = R"(
  #include <weft/weft.h>
  #include <mutex>
  int main(int argc, char**) {
    int hits = 0;
    weft::mutex m;
    weft::wait_group wg;
    for (int i = 0; i < 100; ++i)
      wg.go([&] {
        std::unique_lock hold(m, std::defer_lock);
        if (argc > 1) hold.lock();
        ++hits;
      });
    wg.wait();
  })";

TEST_F(sanitized_run, help_names_both) {
  const outcome o = weft({"run", "--help"});
  EXPECT_THAT(o.out, AllOf(HasSubstr("--race"), HasSubstr("--asan"), HasSubstr("66")));
}

TEST_F(sanitized_run, one_at_a_time) {
  EXPECT_EQ(weft({"run", "--race", "--asan", write("any.cpp", "int main() {}\n").string()}).status, 2);
}

TEST_F(sanitized_run, a_compiler_without_the_runtime_is_named_and_what_to_install) {
  setenv("CXX", "/bin/false", 1);
  for (const char* option : {"--race", "--asan"}) {
    const outcome o = weft({"run", option, write("any.cpp", "int main() {}\n").string()});
    EXPECT_EQ(o.status, 1);
    EXPECT_THAT(o.err, AllOf(HasSubstr("/bin/false"), HasSubstr("scripts/packages sanitizers")));
  }
}

TEST_F(sanitized_run, a_race_is_reported_with_its_line_and_ends_in_status_66) {
  NEEDS_LIBRARY_FOR(sanitizer::race);
  const fs::path file = write("counting.cpp", counting);
  const outcome racy = weft({"run", "--race", file.string()});
  EXPECT_EQ(racy.status, 66);
  EXPECT_THAT(racy.err, AllOf(HasSubstr("data race"), HasSubstr("counting.cpp:12"), HasSubstr("goroutine")));
  const outcome correct = weft({"run", "--race", file.string(), "locked"});
  EXPECT_EQ(correct.status, 0);
  EXPECT_EQ(correct.err, "");
}

TEST_F(sanitized_run, a_bad_address_is_reported_with_its_line) {
  NEEDS_LIBRARY_FOR(sanitizer::address);
  const fs::path file = write("freed.cpp", R"(
    #include <weft/weft.h>
    int main() {
      return weft::run([] {
        auto* block = new int(1);
        delete block;
        weft::yield();
        *const_cast<volatile int*>(block) = 2;
      });
    })");
  const outcome o = weft({"run", "--asan", file.string()});
  EXPECT_NE(o.status, 0);
  EXPECT_THAT(o.err, AllOf(HasSubstr("heap-use-after-free"), HasSubstr("freed.cpp:8")));
  const fs::path good = write("good.cpp", "#include <weft/weft.h>\nint main() { return weft::run([] { weft::yield(); }); }\n");
  EXPECT_EQ(weft({"run", "--asan", good.string()}).status, 0);
}

// With and without: programs of the same source do not get into each other's way.
TEST_F(sanitized_run, the_cache_tells_them_apart) {
  NEEDS_LIBRARY_FOR(sanitizer::race);
  const fs::path file = write("counting.cpp", counting);
  EXPECT_EQ(weft({"run", "--race", file.string()}).status, 66);
  EXPECT_EQ(weft({"run", file.string()}).status, 0);
  EXPECT_THAT(weft({"run", "-x", "--race", file.string()}).err, Not(HasSubstr(" -o ")));
}

}  // namespace
