#include "base/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/nearest.h"

namespace {

using testing::HasSubstr;
using weft::base::parsed_settings;

parsed_settings parse(std::map<std::string, std::string> environment) {
  return weft::base::parse_settings([&](const char* name) -> const char* {
    auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(settings, nothing_set_means_defaults) {
  const auto [values, error] = parse({});
  EXPECT_EQ(error, "");
  EXPECT_EQ(values.procs, 0);
  EXPECT_GT(values.stack_size, 200u * 1024);  // a recursion that touches 200 KiB works
  EXPECT_LE(values.stack_size, 256u * 1024);
  EXPECT_EQ(values.max_threads, 10'000);
  EXPECT_FALSE(values.debug_migrate);
  EXPECT_EQ(values.debug_guard, "");
}

TEST(settings, empty_values_count_as_not_set) {
  const auto [values, error] = parse({{"WEFT_PROCS", ""}, {"WEFT_STACK_SIZE", ""}, {"WEFT_DEBUG", ""}});
  EXPECT_EQ(error, "");
  EXPECT_EQ(values.procs, 0);
}

TEST(settings, good_values_are_taken) {
  const auto [values, error] = parse({{"WEFT_PROCS", "7"},
                                      {"WEFT_STACK_SIZE", "65536"},
                                      {"WEFT_MAX_THREADS", "64"},
                                      {"WEFT_DEBUG", "migrate=1,guard=canary"}});
  EXPECT_EQ(error, "");
  EXPECT_EQ(values.procs, 7);
  EXPECT_EQ(values.stack_size, 65'536u);
  EXPECT_EQ(values.max_threads, 64);
  EXPECT_TRUE(values.debug_migrate);
  EXPECT_EQ(values.debug_guard, "canary");
}

TEST(settings, sizes_take_suffixes_of_either_case) {
  EXPECT_EQ(parse({{"WEFT_STACK_SIZE", "64k"}}).values.stack_size, 64u << 10);
  EXPECT_EQ(parse({{"WEFT_STACK_SIZE", "64K"}}).values.stack_size, 64u << 10);
  EXPECT_EQ(parse({{"WEFT_STACK_SIZE", "1m"}}).values.stack_size, 1u << 20);
  EXPECT_EQ(parse({{"WEFT_STACK_SIZE", "1G"}}).values.stack_size, 1u << 30);
}

TEST(settings, bad_numbers_are_refused_saying_what_is_accepted) {
  for (const char* bad : {"0", "-1", "1O", "x", "1 ", " 1", "+2", "1025", "99999999999999999999", "0x10", "1.5", "k"}) {
    EXPECT_EQ(parse({{"WEFT_PROCS", bad}}).error,
              "WEFT_PROCS must be a whole number from 1 to 1024, not \"" + std::string{bad} + '"');
  }
}

TEST(settings, bad_sizes_are_refused_saying_what_is_accepted) {
  for (const char* bad :
       {"0", "4k", "2g", "k", "1mb", "1 m", "64kk", "-64k", "18446744073709551615g", "17179869184g"}) {
    EXPECT_EQ(
        parse({{"WEFT_STACK_SIZE", bad}}).error,
        "WEFT_STACK_SIZE must be a size from 16k to 1g, in bytes or with k, m or g, not \"" + std::string{bad} + '"');
  }
}

TEST(settings, debug_keys_stand_alone_for_one_and_empty_entries_do_not_matter) {
  EXPECT_TRUE(parse({{"WEFT_DEBUG", "migrate"}}).values.debug_migrate);
  EXPECT_FALSE(parse({{"WEFT_DEBUG", "migrate=0"}}).values.debug_migrate);
  const auto [values, error] = parse({{"WEFT_DEBUG", ",guard=madvise,,migrate,"}});
  EXPECT_EQ(error, "");
  EXPECT_TRUE(values.debug_migrate);
  EXPECT_EQ(values.debug_guard, "madvise");
}

TEST(settings, bad_debug_values_are_refused_saying_what_is_accepted) {
  EXPECT_EQ(parse({{"WEFT_DEBUG", "migrate=yes"}}).error, "WEFT_DEBUG: migrate must be 0 or 1, not \"yes\"");
  EXPECT_EQ(parse({{"WEFT_DEBUG", "migrate="}}).error, "WEFT_DEBUG: migrate must be 0 or 1, not \"\"");
  EXPECT_EQ(parse({{"WEFT_DEBUG", "guard=mprotec"}}).error,
            "WEFT_DEBUG: guard must be madvise, mprotect or canary, not \"mprotec\"");
}

TEST(settings, unknown_debug_key_is_refused_with_the_nearest) {
  EXPECT_THAT(parse({{"WEFT_DEBUG", "migrat=1"}}).error, testing::StartsWith(
            "WEFT_DEBUG: unknown key \"migrat\", did you mean migrate? (known: migrate, poller, files, guard"));
  EXPECT_THAT(parse({{"WEFT_DEBUG", "colour=1"}}).error,
              testing::StartsWith("WEFT_DEBUG: unknown key \"colour\" (known: migrate, poller, files, guard"));
}

TEST(settings, misspelt_variables_are_noticed_and_others_left_alone) {
  using weft::base::misspelt_setting;
  EXPECT_EQ(misspelt_setting("WEFT_PROC=4"), "unknown setting WEFT_PROC, did you mean WEFT_PROCS?");
  EXPECT_EQ(misspelt_setting("WEFT_STACKSIZE=4"), "unknown setting WEFT_STACKSIZE, did you mean WEFT_STACK_SIZE?");
  EXPECT_EQ(misspelt_setting("WEFT_DEBGU=4"), "unknown setting WEFT_DEBGU, did you mean WEFT_DEBUG?");
  for (const char* fine : {"WEFT_PROCS=4", "WEFT_DEBUG=", "WEFT_TEST_SEED=7", "WEFT_HOME=/", "PROC=1", "WEFT=1", ""})
    EXPECT_EQ(misspelt_setting(fine), "") << fine;
}

TEST(settings_death, bad_setting_ends_the_process_with_status_two) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process: settings are read once
  EXPECT_EXIT(
      {
        setenv("WEFT_PROCS", "many", 1);
        weft::base::settings();
      },
      testing::ExitedWithCode(2), "^weft: WEFT_PROCS must be a whole number from 1 to 1024, not \"many\"\n$");
  EXPECT_EXIT(
      {
        setenv("WEFT_PROC", "4", 1);
        weft::base::settings();
      },
      testing::ExitedWithCode(2), "^weft: unknown setting WEFT_PROC, did you mean WEFT_PROCS\\?\n$");
}

TEST(settings, environment_is_read_once) {
  setenv("WEFT_MAX_THREADS", "77", 1);
  EXPECT_EQ(weft::base::settings().max_threads, 77);
  setenv("WEFT_MAX_THREADS", "78", 1);
  EXPECT_EQ(weft::base::settings().max_threads, 77);
}

TEST(settings, page_is_up_to_date) {
  const std::string path = WEFT_SETTINGS_PAGE;
  if (std::getenv("WEFT_UPDATE_PAGES") != nullptr) std::ofstream{path} << weft::base::settings_page();
  std::stringstream page;
  page << std::ifstream{path}.rdbuf();
  EXPECT_EQ(page.str(), weft::base::settings_page()) << "run this test with WEFT_UPDATE_PAGES=1 to write " << path;
}

TEST(nearest, finds_the_word_with_the_fewest_edits) {
  using weft::base::nearest;
  constexpr std::string_view known[] = {"run", "lab", "test", "doctor", "version"};
  EXPECT_EQ(nearest("dcotor", known), "doctor");
  EXPECT_EQ(nearest("Versoin", known), "version");
  EXPECT_EQ(nearest("labs", known), "lab");
  EXPECT_EQ(nearest("rnu", known), "run");
  EXPECT_EQ(nearest("tst", known), "test");
  EXPECT_EQ(nearest("frobnicate", known), "");
  EXPECT_EQ(nearest("", known), "");
}

}  // namespace
