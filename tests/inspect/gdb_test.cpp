// gdb in batch mode, on live processes and on core files: the commands of tools/gdb/weft_gdb.py, loaded from the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "inspect/subject.h"

namespace {

using inspect::core_in;
using inspect::core_of_fatal;
using inspect::scratch;
using inspect::shell;
using inspect::subject;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const std::string trusting = "-iex 'set auto-load safe-path /' ";
const std::string sourcing = "-iex 'set auto-load no' -x '" WEFT_GDB_SCRIPT "' ";

std::string gdb(const std::string& what, const std::vector<std::string>& commands,
                const std::string& loading = trusting) {
  std::string line = "gdb -q -nx -batch " + loading + what;
  for (const std::string& command : commands) line += " -ex 'echo [" + command + "]\\n' -ex '" + command + "'";
  return shell(line).text;
}

// The part of the output that belongs to one command.
std::string answer(const std::string& output, const std::string& command) {
  const auto from = output.find("[" + command + "]\n");
  if (from == output.npos) return "";
  const auto begin = from + command.size() + 3;
  const auto end = output.find("\n[", begin);
  return output.substr(begin, end == output.npos ? end : end + 1 - begin);
}

std::vector<std::string> frames_of(const std::string& backtrace) {
  std::vector<std::string> frames;
  std::istringstream in(backtrace);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with('#')) frames.push_back(line);
  return frames;
}

// Says why when gdb cannot do this here.
#define REQUIRE_GDB()                                                      \
  do {                                                                     \
    if (shell("gdb --version").status != 0) GTEST_SKIP() << "no gdb here"; \
  } while (false)
#define REQUIRE_ATTACHED(output)                                                                                 \
  do {                                                                                                           \
    if ((output).find("ptrace: ") != std::string::npos) GTEST_SKIP() << "gdb may not attach here: " << (output); \
  } while (false)

void expect_users_stack(const std::string& backtrace, const char* function) {
  const auto frames = frames_of(backtrace);
  ASSERT_GE(frames.size(), 3u) << backtrace;
  EXPECT_THAT(backtrace, HasSubstr(function));
  EXPECT_THAT(frames.back(), HasSubstr("weft_goroutine_start")) << "ends at the bottom\n" << backtrace;
  EXPECT_THAT(backtrace, Not(HasSubstr("Backtrace stopped")));
  EXPECT_THAT(backtrace, Not(HasSubstr("??")));
}

std::string goroutine(const subject& process, const std::string& name, std::size_t nth = 0) {
  return "goroutine " + process.id_of(name, nth);
}

std::vector<std::string> usual_commands(const subject& process) {
  return {"info registers rsp rip",
          "info goroutines",
          goroutine(process, "reader") + " bt",
          goroutine(process, "spinner") + " bt",
          goroutine(process, "blocked") + " bt",
          goroutine(process, "reader"),
          "goroutine 9999999 bt",
          goroutine(process, "reader") + " no-such-command",
          "goroutine all bt 2",
          "info registers rip rsp", "bt 30",
          "frame"};
}

void expect_usual_answers(const subject& process, const std::string& output) {
  const std::string list = answer(output, "info goroutines"), reader = goroutine(process, "reader");
  EXPECT_THAT(list,
              ContainsRegex(
                  "  " + process.id_of("reader") + " +chan receive, [0-9]+ (ms|seconds) +reader +started by .*subject::park_readers.* at "
                  "subject_program.cpp:[0-9]+ in goroutine"));
  EXPECT_THAT(list, ContainsRegex("  " + process.id_of("spinner") + " +running .thread [0-9]+. +spinner"));
  EXPECT_THAT(list, ContainsRegex("  " + process.id_of("blocked") + " +running without a processor .thread [0-9]+. +blocked"));
  expect_users_stack(answer(output, reader + " bt"), "subject::wait_for_value");
  expect_users_stack(answer(output, goroutine(process, "spinner") + " bt"), "subject::spin_for_ever");
  expect_users_stack(answer(output, goroutine(process, "blocked") + " bt"), "subject::sleep_in_the_kernel");
  EXPECT_THAT(answer(output, reader), ContainsRegex("^" + reader + " .chan receive, .*. reader\nstarted by .*\nwaits for 0x"));
  EXPECT_THAT(answer(output, "goroutine 9999999 bt"), HasSubstr("There is no goroutine 9999999"));
  EXPECT_THAT(answer(output, reader + " no-such-command"), HasSubstr("Undefined command"));
  const std::string all = answer(output, "goroutine all bt 2");
  for (const std::string& who : {reader, goroutine(process, "reader", 1), goroutine(process, "reader", 2), goroutine(process, "spinner"),
                                 goroutine(process, "blocked")})
    EXPECT_THAT(all, HasSubstr(who + " "));
}

// In the order in which they were asked for; afterwards the other way round.
void expect_selection_restored(const std::string& output) {
  std::istringstream before(answer(output, "info registers rsp rip")), after(answer(output, "info registers rip rsp"));
  std::string sp, pc, pc_after, sp_after;
  std::getline(before, sp), std::getline(before, pc);
  std::getline(after, pc_after), std::getline(after, sp_after);
  EXPECT_NE(sp, "");
  EXPECT_EQ(sp, sp_after);
  EXPECT_EQ(pc, pc_after);
  EXPECT_THAT(answer(output, "frame"), testing::StartsWith("#0")) << "the thread's own frame";
  EXPECT_THAT(answer(output, "bt 30"), HasSubstr("main")) << "and its own callers";
  EXPECT_THAT(answer(output, "bt 30"), Not(HasSubstr("weft_goroutine_start")));
}

TEST(gdb, shows_the_goroutines_of_a_live_process_and_leaves_it_as_it_was) {
  REQUIRE_GDB();
  subject process({"parked", "3"});
  const std::string output = gdb("-p " + process.id(), usual_commands(process));
  REQUIRE_ATTACHED(output);
  expect_usual_answers(process, output);
  expect_selection_restored(output);
  process.tell("ping");
  EXPECT_EQ(process.line(), "pong") << "it goes on";
}

TEST(gdb, a_frame_that_was_selected_is_selected_afterwards) {
  REQUIRE_GDB();
  subject process({"parked", "3"});
  const std::string framed = goroutine(process, "reader") + " frame 4";
  const std::string output = gdb("-p " + process.id(), {"frame 2", framed, goroutine(process, "spinner") + " bt", "frame"});
  REQUIRE_ATTACHED(output);
  EXPECT_THAT(answer(output, framed), testing::StartsWith("#4")) << output;
  EXPECT_EQ(answer(output, "frame"), answer(output, "frame 2")) << output;
}

TEST(gdb, shows_the_goroutines_of_a_core_file) {
  REQUIRE_GDB();
  scratch folder;
  subject process({"parked", "3"}, WEFT_SUBJECT, folder.path());
  process.tell("abort");
  process.finish();
  const auto core = core_in(folder.path());
  REQUIRE_CORE(core);
  const std::string output = gdb(WEFT_SUBJECT " '" + core.string() + "'", usual_commands(process));
  expect_usual_answers(process, output);
  expect_selection_restored(output);
}

TEST(gdb, functions_of_timers_that_are_due_are_listed) {
  REQUIRE_GDB();
  scratch folder;
  const auto core = core_of_fatal("due", WEFT_SUBJECT, folder);
  REQUIRE_CORE(core);
  const std::string output = gdb(WEFT_SUBJECT " '" + core.string() + "'", {"info goroutines"});
  const std::string text = answer(output, "info goroutines");
  int fresh = 0;
  for (std::size_t at = 0; (at = text.find("runnable, never ran", at)) != text.npos; ++at) ++fresh;
  EXPECT_EQ(fresh, 5) << output;
}

TEST(gdb, goroutines_that_never_ran_are_listed_and_have_no_stack) {
  REQUIRE_GDB();
  scratch folder;
  const auto core = core_of_fatal("fresh", WEFT_SUBJECT, folder);
  REQUIRE_CORE(core);
  const std::string output = gdb(WEFT_SUBJECT " '" + core.string() + "'", {"info goroutines", "goroutine 3 bt"});
  EXPECT_THAT(answer(output, "info goroutines"),
              ContainsRegex("  3 +runnable, never ran +unborn +started by .*subject::start.* in goroutine 1"))
      << output;
  EXPECT_THAT(answer(output, "goroutine 3 bt"), HasSubstr("It has not run yet: it has no stack."));
}

TEST(gdb, needs_no_symbols_and_no_debug_information) {
  REQUIRE_GDB();
  scratch folder;
  const std::string stripped = folder / "stripped";
  ASSERT_EQ(shell("strip -o " + stripped + " " WEFT_SUBJECT).status, 0);
  subject process({"parked", "3"}, stripped, folder.path());
  const std::string id = process.id_of("reader"), backtrace = "goroutine " + id + " bt";
  const std::vector<std::string> commands = {"info goroutines", backtrace};
  const auto expect_answers = [&](const std::string& output) {
    EXPECT_THAT(answer(output, "info goroutines"), ContainsRegex("  " + id + " +chan receive, .* reader +started by 0x"))
        << output;
    EXPECT_GE(frames_of(answer(output, backtrace)).size(), 5u) << output;
    EXPECT_THAT(output, Not(HasSubstr("Backtrace stopped")));
  };
  const std::string live = gdb("-p " + process.id(), commands, sourcing);
  REQUIRE_ATTACHED(live);
  expect_answers(live);
  process.tell("abort");
  process.finish();
  if (const auto core = core_in(folder.path()); !core.empty())
    expect_answers(gdb(stripped + " '" + core.string() + "'", commands, sourcing));
}

TEST(gdb, says_so_when_gcore_left_the_stacks_out) {
  REQUIRE_GDB();
  scratch folder;
  subject process({"parked", "3"}, WEFT_SUBJECT, folder.path());
  const auto made = shell("gcore -o '" + (folder / "core").string() + "' " + process.id());
  REQUIRE_ATTACHED(made.text);
  const auto core = core_in(folder.path());
  ASSERT_FALSE(core.empty()) << made.text;
  const std::string output = gdb(WEFT_SUBJECT " '" + core.string() + "'", {"info goroutines"});
  // With guards that are mappings of their own, or a gdb that reads around holes, all is there.
  EXPECT_THAT(output, testing::AnyOf(HasSubstr("WEFT_DEBUG=guard=mprotect"), ContainsRegex("  " + process.id_of("reader") + " +chan receive")))
      << output;
}

TEST(gdb, a_core_of_gcore_is_whole_with_guards_of_mprotect) {
  REQUIRE_GDB();
  scratch folder;
  subject process({"parked", "3"}, WEFT_SUBJECT, folder.path(), {"WEFT_DEBUG=guard=mprotect"});
  const auto made = shell("gcore -o '" + (folder / "core").string() + "' " + process.id());
  REQUIRE_ATTACHED(made.text);
  expect_usual_answers(process, gdb(WEFT_SUBJECT " '" + core_in(folder.path()).string() + "'", usual_commands(process)));
}

// A function without a name of its own for the linker, as lambdas are that were inlined.
TEST(gdb, a_goroutine_may_be_started_by_a_lambda) {
  REQUIRE_GDB();
  subject process({"lambda", "3"});
  const std::string output = gdb("-p " + process.id(), {"info goroutines"});
  REQUIRE_ATTACHED(output);
  EXPECT_THAT(output, Not(HasSubstr("Python Exception")));
  EXPECT_THAT(output, ContainsRegex("lambda's +started by a lambda at subject_program.cpp:[0-9]+ in goroutine 1"));
}

TEST(gdb, what_is_no_regular_expression_is_told_so) {
  REQUIRE_GDB();
  subject process({"parked", "3"});
  const std::string output = gdb("-p " + process.id(), {"info goroutines [", "info goroutines spinn", "info goroutines nobody"});
  REQUIRE_ATTACHED(output);
  EXPECT_THAT(answer(output, "info goroutines ["), HasSubstr("Not a regular expression: ["));
  EXPECT_THAT(output, Not(HasSubstr("Python Exception")));
  EXPECT_THAT(answer(output, "info goroutines spinn"), ContainsRegex("^  " + process.id_of("spinner") + " +running [^\n]* spinner [^\n]*\n$"));
  EXPECT_EQ(answer(output, "info goroutines nobody"), "No goroutine matches.\n");
}

TEST(gdb, a_program_without_goroutines_is_told_so) {
  REQUIRE_GDB();
  subject process({"unstarted"});
  const std::string output = gdb("-p " + process.id(), {"info goroutines", "goroutine 1 bt"});
  REQUIRE_ATTACHED(output);
  EXPECT_THAT(output, HasSubstr("No goroutine"));
}

}  // namespace
