// The words of the command itself.
#include <gmock/gmock.h>

#include "cli/tool.h"

namespace {

using cli::outcome;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class command : public cli::tool_test {};

TEST_F(command, without_words_shows_the_help_and_is_a_usage_error) {
  const outcome o = weft({});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("Usage: weft COMMAND"));
  EXPECT_THAT(o.out, IsEmpty());
}

TEST_F(command, help_lists_every_subcommand_on_stdout) {
  for (const char* word : {"--help", "-h", "help"}) {
    const outcome o = weft({word});
    EXPECT_EQ(o.status, 0);
    for (const char* name : {"\n  run ", "\n  lab ", "\n  test ", "\n  doctor ", "\n  version "}) {
      EXPECT_THAT(o.out, HasSubstr(name)) << word;
    }
    EXPECT_THAT(o.err, IsEmpty());
  }
}

TEST_F(command, each_subcommand_explains_itself) {
  for (const char* name : {"run", "lab", "test", "doctor", "version"}) {
    const outcome direct = weft({name, "--help"});
    EXPECT_EQ(direct.status, 0);
    EXPECT_THAT(direct.out, HasSubstr(std::string("Usage: weft ") + name));
    EXPECT_EQ(weft({"help", name}).out, direct.out);
  }
}

TEST_F(command, an_unknown_word_is_refused_with_the_nearest) {
  const std::pair<const char*, const char*> slips[] = {{"rnu", "run"},       {"tets", "test"}, {"docter", "doctor"},
                                                       {"doc", "doctor"},    {"lba", "lab"},   {"verison", "version"},
                                                       {"--hlep", "--help"}, {"RUN", "run"}};
  for (const auto& [slip, meant] : slips) {
    const outcome o = weft({slip});
    EXPECT_EQ(o.status, 2) << slip;
    EXPECT_THAT(o.err, HasSubstr('\'' + std::string(slip) + "'; did you mean '" + meant + "'?"));
    EXPECT_THAT(o.out, IsEmpty());
  }
}

TEST_F(command, a_word_like_no_other_is_refused_without_a_guess) {
  const outcome o = weft({"frobnicate"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("unknown command 'frobnicate'\n"));
}

TEST_F(command, an_unknown_option_of_a_subcommand_is_refused_with_the_nearest) {
  const outcome doctor = weft({"doctor", "--jsno"});
  EXPECT_EQ(doctor.status, 2);
  EXPECT_THAT(doctor.err, HasSubstr("'--jsno'; did you mean '--json'?"));
  const outcome run = weft({"run", "--shwo", "x.cpp"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("did you mean '--show'?"));
  EXPECT_EQ(weft({"version", "extra"}).status, 2);
  EXPECT_EQ(weft({"test", "select"}).status, 2);
}

TEST_F(command, version_is_one_line) {
  const outcome o = weft({"version"});
  EXPECT_EQ(o.status, 0);
  EXPECT_THAT(o.out, testing::MatchesRegex("weft [0-9]+\\.[0-9]+\\.[0-9]+ \\(.*\\)\n"));
  EXPECT_EQ(weft({"--version"}).out, o.out);
}

}  // namespace
