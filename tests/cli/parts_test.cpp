// Parts of the tool that need no second process.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <set>

#include "content_hash.h"
#include "probes.h"
#include "run_cache.h"
#include "subprocess.h"

namespace {

namespace fs = std::filesystem;
using weft::tool::content_hash;
using weft::tool::run_cache;

std::string hash_of(std::initializer_list<std::string_view> parts) {
  content_hash hash;
  for (const auto part : parts) hash.add(part);
  return hash.hex();
}

TEST(content_hash, equal_parts_give_equal_keys_and_anything_else_gives_another) {
  EXPECT_EQ(hash_of({"abc", "d"}), hash_of({"abc", "d"}));
  EXPECT_NE(hash_of({"abc", "d"}), hash_of({"ab", "cd"}));
  EXPECT_NE(hash_of({"a"}), hash_of({std::string_view("a\0", 2)}));
  EXPECT_NE(hash_of({""}), hash_of({"", ""}));
  EXPECT_EQ(hash_of({"x"}).size(), 32U);
}

TEST(content_hash, each_single_bit_matters) {
  std::set<std::string> keys;
  std::string text(40, 'x');
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] ^= static_cast<char>(1 << bit % 8);
    keys.insert(hash_of({text}));
    text[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
  EXPECT_EQ(keys.size(), text.size() * 8);
}

class cache : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weft-cache-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A program of `bytes` bytes, last used `age` ago.
  void put(const run_cache& in, const std::string& key, std::size_t bytes, std::chrono::minutes age) {
    const fs::path workspace = in.new_workspace();
    std::ofstream(workspace / "program") << std::string(bytes, '#');
    fs::permissions(workspace / "program", fs::perms::owner_all);
    fs::last_write_time(workspace, fs::file_time_type::clock::now() - age);
    in.insert(workspace, key);
  }
  std::set<std::string> keys() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.insert(entry.path().filename());
    return found;
  }

  fs::path folder_;
};

using namespace std::chrono_literals;

TEST_F(cache, finds_what_was_inserted_and_nothing_else) {
  const run_cache programs(folder_);
  EXPECT_FALSE(programs.find("key", "program"));
  put(programs, "key", 10, 0min);
  EXPECT_EQ(programs.find("key", "program"), folder_ / "key" / "program");
  EXPECT_FALSE(programs.find("other", "program"));
}

TEST_F(cache, keeps_the_most_recently_used_programs) {
  const run_cache programs(folder_, {.programs = 2, .bytes = 1000});
  put(programs, "oldest", 10, 30min);
  put(programs, "older", 10, 20min);
  EXPECT_TRUE(programs.find("oldest", "program"));  // used now
  put(programs, "latest", 10, 0min);
  EXPECT_EQ(keys(), (std::set<std::string>{"oldest", "latest"}));
}

TEST_F(cache, is_bounded_in_bytes_and_keeps_at_least_the_latest) {
  const run_cache programs(folder_, {.programs = 10, .bytes = 100});
  put(programs, "a", 60, 20min);
  put(programs, "b", 30, 10min);
  put(programs, "c", 60, 5min);
  EXPECT_EQ(keys(), (std::set<std::string>{"b", "c"}));
  put(programs, "large", 500, 60min);
  EXPECT_EQ(keys(), (std::set<std::string>{"large"}));
}

TEST_F(cache, the_first_of_two_equal_programs_wins_and_the_other_leaves_nothing) {
  const run_cache programs(folder_);
  put(programs, "key", 10, 0min);
  put(programs, "key", 20, 0min);
  EXPECT_EQ(fs::file_size(folder_ / "key" / "program"), 10U);
  EXPECT_EQ(keys(), std::set<std::string>{"key"});
}

TEST_F(cache, removes_what_an_interrupted_compile_left) {
  const run_cache programs(folder_);
  const fs::path young = programs.new_workspace(), old = programs.new_workspace();
  fs::last_write_time(old, fs::file_time_type::clock::now() - 2h);
  put(programs, "key", 10, 0min);
  EXPECT_EQ(keys(), (std::set<std::string>{"key", young.filename()}));
}

TEST(shell_line, quotes_what_a_shell_would_change) {
  EXPECT_EQ(weft::tool::shell_line({"g++", "-DX=\"a b\"", "it's", ""}), "g++ '-DX=\"a b\"' 'it'\\''s' ''");
}

TEST(run_program, tells_exit_status_and_signal) {
  EXPECT_EQ(weft::tool::run_program({"sh", "-c", "exit 5"}), 5);
  EXPECT_EQ(weft::tool::run_program({"sh", "-c", "kill -TERM $$"}), 128 + 15);
  EXPECT_EQ(weft::tool::run_program({"no-such-program-at-all"}), 127);
}

TEST(probes, numbers_are_read_and_no_limit_is_no_number) {
  EXPECT_TRUE(weft::tool::probe::number_in("/proc/sys/vm/max_map_count"));
  EXPECT_FALSE(weft::tool::probe::number_in("/proc/version"));
  EXPECT_FALSE(weft::tool::probe::number_in("/no/such/file"));
}

}  // namespace
