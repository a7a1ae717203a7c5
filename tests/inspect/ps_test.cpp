// `weft ps` and `weft stack`, as a user meets them: on live processes, on core files, and on what is neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "debug/symbols.h"
#include "inspect/subject.h"

namespace {

using inspect::core_in;
using inspect::printed;
using inspect::scratch;
using inspect::shell;
using inspect::subject;
using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

printed tool(const std::string& words) { return shell("'" WEFT_COMMAND "' " + words); }

// Why the sandbox of this machine lets nobody look; empty: it does.
std::string refusal(const printed& p) { return p.text.find("may not be looked at") != p.text.npos ? p.text : ""; }
#define REQUIRE_ALLOWED(p) \
  if (!refusal(p).empty()) GTEST_SKIP() << refusal(p)

json rows_of(const printed& p) {
  EXPECT_EQ(p.status, 0) << p.text;
  return json::parse(p.text).at("goroutines");
}
std::vector<json> named(const json& rows, const std::string& name) {
  std::vector<json> found;
  std::ranges::copy_if(rows, std::back_inserter(found), [&](const json& row) { return row.value("name", "") == name; });
  return found;
}
bool has_symbols() { return weft::debug::symboliser(weft::debug::whose::self()).has_lines(); }

void expect_error(const printed& p, const std::string& words) {
  EXPECT_EQ(p.status, 1) << p.text;
  EXPECT_THAT(p.text, StartsWith("weft ")) << "one line for the user";
  EXPECT_THAT(p.text, HasSubstr(words));
}

// The core file of a subject in this folder; empty where the system leaves none.
std::string core_of(const scratch& folder, subject& process) {
  process.tell("abort");
  process.finish();
  return core_in(folder.path());
}
std::string core_of(const scratch& folder, const std::string& mode, const std::string& program = WEFT_SUBJECT) {
  if (mode == "fresh" || mode == "due") return inspect::core_of_fatal(mode.c_str(), program, folder);
  subject process({mode, "3"}, program, folder.path(), {"WEFT_PROCS=1"});
  return core_of(folder, process);
}

// --- weft ps --------------------------------------------------------------------------------------------------

void expect_all_of_ten_thousand(const json& rows) {
  EXPECT_GE(rows.size(), 10'002u);  // goroutine 1, which started them, may be about to end
  const auto readers = named(rows, "reader");
  ASSERT_EQ(readers.size(), 10'000u);
  for (const json& row : readers) {
    ASSERT_EQ(row.at("state"), "waiting") << row;
    ASSERT_EQ(row.at("reason"), "chan receive") << row;
    ASSERT_EQ(row.at("creator"), 1) << row;
    ASSERT_LT(row.at("waiting_ns").get<std::int64_t>(), 600'000'000'000) << row;
    ASSERT_EQ(row.at("started_by").at("module"), "inspect_subject") << row;
  }
  ASSERT_EQ(named(rows, "spinner").size(), 1u);
  EXPECT_THAT(named(rows, "spinner")[0].at("state").get<std::string>(), StartsWith("running"));
  EXPECT_GT(named(rows, "spinner")[0].at("thread"), 0);
  ASSERT_EQ(named(rows, "blocked").size(), 1u);
  EXPECT_EQ(named(rows, "blocked")[0].at("state"), "blocking call");
}

TEST(ps, lists_ten_thousand_goroutines_of_a_live_process) {
  subject process({"parked", "10000"});
  const printed all = tool("ps " + process.id() + " --json");
  REQUIRE_ALLOWED(all);
  const json rows = rows_of(all);
  expect_all_of_ten_thousand(rows);
  if (has_symbols()) {
    EXPECT_THAT(named(rows, "reader")[0].at("started_by").value("function", ""), HasSubstr("subject::park_readers"));
    EXPECT_THAT(named(rows, "reader")[0].at("started_by").value("file", ""), HasSubstr("subject_program.cpp"));
  }
  const printed groups = tool("ps " + process.id() + " --group");
  EXPECT_THAT(groups.text, ContainsRegex("\n10000  chan receive +[0-9]+ (ms|s) +[0-9]+ +reader "));
}

// The subject's main thread computes, and counts how often it was stopped.
class watched_stops {
 public:
  explicit watched_stops(subject& process) : process_(process) {
    process.tell("begin");
    EXPECT_EQ(process.line(), "measuring");
  }
  long count() {
    process_.tell("end");
    return std::stol(process_.line());
  }

 private:
  subject& process_;
};

TEST(ps, a_process_of_ten_thousand_goroutines_is_never_stopped) {
  subject process({"parked", "10000"}, WEFT_SUBJECT, ".", {"WEFT_PROCS=1"});
  long stops = 0;
  for (int look = 0; look < 5; ++look) {
    watched_stops watch(process);
    const printed seen = tool("ps " + process.id() + " --no-symbols --group");
    stops += watch.count();
    REQUIRE_ALLOWED(seen);
    EXPECT_EQ(seen.status, 0) << seen.text;
  }
  EXPECT_EQ(stops, 0);
  watched_stops watch(process);  // would it have been noticed?
  ::kill(process.pid(), SIGSTOP);
  EXPECT_TRUE(
      support::eventually([&] { return shell("ps -o stat= -p " + process.id()).text.find('T') != std::string::npos; }));
  ::kill(process.pid(), SIGCONT);
  EXPECT_GE(watch.count(), 1);
}

TEST(ps, picks_sorts_and_prints_a_table) {
  subject process({"parked", "3"});
  const printed table = tool("ps " + process.id());
  REQUIRE_ALLOWED(table);
  EXPECT_THAT(table.text, ContainsRegex("^process [0-9]+ .inspect_subject.: [56] goroutines, [0-9]+ processors"));
  EXPECT_THAT(table.text, ContainsRegex("\nID  STATE +FOR +NAME +STARTED BY\n"));
  EXPECT_THAT(table.text, ContainsRegex("\n 5  running, thread [0-9]+ +spinner "));
  EXPECT_EQ(rows_of(tool("ps " + process.id() + " --json --state 'chan.*'")).size(), 3u);
  EXPECT_THAT(tool("ps " + process.id() + " --state nothing").text, HasSubstr("no goroutine is in such a state"));
  const json by_age = rows_of(tool("ps " + process.id() + " --json --sort age"));
  EXPECT_TRUE(
      std::ranges::is_sorted(by_age, std::greater{}, [](const json& row) { return row.value("waiting_ns", 0LL); }));
  EXPECT_EQ(tool("ps " + process.id() + " --state '('").status, 2);
  EXPECT_EQ(tool("ps").status, 2);
}

TEST(ps, lists_a_core_file) {
  scratch folder;
  const std::string core = core_of(folder, "parked");
  REQUIRE_CORE(core);
  const json rows = rows_of(tool("ps '" + core + "' --json"));
  ASSERT_EQ(named(rows, "reader").size(), 3u);
  EXPECT_EQ(named(rows, "reader")[0].at("reason"), "chan receive");
  EXPECT_EQ(named(rows, "blocked")[0].at("state"), "blocking call");
}

TEST(ps, lists_functions_of_timers_that_are_due) {
  scratch folder;
  const std::string core = core_of(folder, "due");
  REQUIRE_CORE(core);
  const json rows = rows_of(tool("ps '" + core + "' --json"));
  std::vector<long> due;
  for (const json& row : named(rows, ""))
    if (row.at("state") == "runnable (never ran)") due.push_back(row.at("id").get<long>());
  ASSERT_EQ(due.size(), 5u);
  EXPECT_THAT(due, testing::ElementsAre(due[0], due[0] + 1, due[0] + 2, due[0] + 3, due[0] + 4));
}

TEST(ps, lists_goroutines_that_never_ran) {
  scratch folder;
  const std::string core = core_of(folder, "fresh");
  REQUIRE_CORE(core);
  const json rows = rows_of(tool("ps '" + core + "' --json"));
  const auto unborn = named(rows, "unborn");
  ASSERT_EQ(unborn.size(), 3u);
  for (const json& row : unborn) EXPECT_EQ(row.at("state"), "runnable (never ran)");
  std::vector<long> siblings;
  for (const json& row : named(rows, ""))
    if (row.at("state") == "runnable (never ran)") siblings.push_back(row.at("id").get<long>());
  const long eldest = unborn[2].at("id").get<long>() + 1;
  ASSERT_EQ(siblings.size(), 8u);
  for (std::size_t i = 0; i < siblings.size(); ++i) EXPECT_EQ(siblings[i], eldest + static_cast<long>(i));
  EXPECT_THAT(tool("stack '" + core + "' " + unborn[0].at("id").dump()).text, HasSubstr("it has not run yet"));
}

TEST(ps, needs_neither_symbols_nor_for_a_core_file_the_program) {
  scratch folder;
  const std::string stripped = folder / "stripped";
  ASSERT_EQ(shell("strip -o '" + stripped + "' " WEFT_SUBJECT).status, 0);
  {
    subject process({"parked", "3"}, stripped);
    const printed live = tool("ps " + process.id() + " --json");
    REQUIRE_ALLOWED(live);
    EXPECT_EQ(named(rows_of(live), "reader").size(), 3u);
    const std::string third = process.id_of("reader", 2);
    EXPECT_THAT(tool("stack " + process.id()).text,
                ContainsRegex("\ngoroutine " + third + " .chan receive.: reader\n|same stack:.* " + third + "\n"))
        << "walks it without names";
  }
  const std::string core = core_of(folder, "parked", stripped);
  REQUIRE_CORE(core);
  std::filesystem::remove(stripped);
  const json rows = rows_of(tool("ps '" + core + "' --json"));
  EXPECT_GE(rows.size(), 5u) << "names are in the program file, all else is in the core file";
}

TEST(ps, a_process_that_goes_on_is_seen_without_contradictions) {
  subject process({"churn"});
  for (int look = 0; look < 20; ++look) {
    const printed seen = tool("ps " + process.id() + " --json --no-symbols");
    REQUIRE_ALLOWED(seen);
    std::set<std::uint64_t> ids;
    for (const json& row : rows_of(seen)) {
      EXPECT_TRUE(ids.insert(row.at("id").get<std::uint64_t>()).second) << "twice: " << row;
      EXPECT_LT(row.value("waiting_ns", 0LL), 600'000'000'000) << row;
      EXPECT_NE(row.value("reason", "-"), "?") << row;
    }
    EXPECT_GE(ids.size(), 4u) << "of the eight that are always there most stand still";
  }
}

TEST(ps, a_process_that_dies_meanwhile_is_reported_or_was_seen) {
  for (int round = 0; round < 12; ++round) {
    subject process({"churn"});
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(round));  // any moment of the look will do
      ::kill(process.pid(), SIGKILL);
    });
    const printed seen = tool("ps " + process.id() + " --no-symbols");
    killer.join();
    EXPECT_TRUE(seen.status == 0 || seen.status == 1) << seen.status << seen.text;
    if (seen.status == 0) continue;
    EXPECT_THAT(seen.text, testing::ContainsRegex("^weft ps: .*(ended|no process|layout table)")) << round;
  }
}

TEST(ps, a_process_that_hangs_in_locks_of_others_is_seen) {
  subject process({"hung"});
  const printed seen = tool("ps " + process.id() + " --json");
  REQUIRE_ALLOWED(seen);
  const json rows = rows_of(seen);
  ASSERT_EQ(named(rows, "lefty").size(), 1u);
  ASSERT_EQ(named(rows, "righty").size(), 1u);
  EXPECT_GT(named(rows, "lefty")[0].at("thread"), 0) << "it has a thread, and is blocked there";
  const printed stack = tool("stack " + process.id());
  EXPECT_THAT(stack.text, HasSubstr("goroutine"));
  if (!has_symbols()) return;
  EXPECT_THAT(stack.text, HasSubstr("subject::lock_both"));
}

TEST(ps, what_cannot_be_looked_at_is_said_with_a_reason) {
  expect_error(tool("ps 99999999"), "there is no process 99999999");
  expect_error(tool("stack 99999999"), "there is no process 99999999");
  expect_error(tool("ps /no/such/file"), "neither a process id nor a core file");
  expect_error(tool("ps " WEFT_SUBJECT), "is not a core file");
  expect_error(tool("ps /dev/null"), "cannot read /dev/null: it is empty");
  const printed other = shell("{ sleep 30 & '" WEFT_COMMAND "' ps $!; status=$?; kill $!; exit $status; }");
  REQUIRE_ALLOWED(other);
  expect_error(other, "does not contain weft");
}

TEST(ps, a_thread_of_the_kernel_is_called_one) {
  std::string name;
  std::getline(std::ifstream("/proc/2/comm"), name);
  if (name != "kthreadd") GTEST_SKIP() << "the kernel's threads are not to be seen in this container";
  expect_error(tool("ps 2"), "process 2 (kthreadd) is a thread of the kernel");
}

TEST(ps, a_core_file_that_was_cut_short_is_no_crash) {
  scratch folder;
  const std::string core = core_of(folder, "parked");
  REQUIRE_CORE(core);
  for (const std::uintmax_t size : {64, 1000, 5000, 100'000, 2'000'000}) {
    std::filesystem::resize_file(core, size);
    const printed seen = tool("stack '" + core + "'");
    EXPECT_TRUE(seen.status == 0 || seen.status == 1) << size << seen.text;
    std::filesystem::resize_file(core, 4'000'000);
  }
}

TEST(ps, another_users_process_is_refused_with_the_remedy) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  subject process({"parked", "3"});
  const printed seen =
      shell("setpriv --reuid=65534 --regid=65534 --clear-groups '" WEFT_COMMAND "' ps " + process.id());
  if (seen.text.find("weft ps:") == seen.text.npos) GTEST_SKIP() << "the tool cannot be run as nobody: " << seen.text;
  expect_error(seen, "belongs to user 0; look as that user or as root: sudo weft ps");
}

// A process of the same user that hides itself, while the kernel says what it says where Yama is in force: in a mount namespace
// in which that file exists.
TEST(ps, where_yama_refuses_the_remedy_is_told) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const std::string nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  subject process({"--reuid=65534", "--regid=65534", "--clear-groups", WEFT_SUBJECT, "parked", "3"}, "/usr/bin/setpriv");
  process.tell("hide");
  ASSERT_EQ(process.line(), "hidden");
  for (const auto& [level, remedy] : {std::pair("1", "kernel.yama.ptrace_scope is 1, so only its parents may.\nStart it with WEFT_DEBUG=inspect=1"),
                                      std::pair("2", "kernel.yama.ptrace_scope is 2, so only root may: sudo weft ps")}) {
    const printed seen = shell("unshare -m sh -c 'mount -t tmpfs none /proc/sys/kernel && mkdir /proc/sys/kernel/yama && echo " + std::string(level) +
                               " > /proc/sys/kernel/yama/ptrace_scope && exec " + nobody + "\"" WEFT_COMMAND "\" ps " + process.id() + "'");
    if (seen.text.find("weft ps:") == seen.text.npos) GTEST_SKIP() << "no mount namespace, or the tool cannot be run as nobody: " << seen.text;
    expect_error(seen, remedy);
  }
}

TEST(ps, another_version_is_refused) {
  scratch folder;
  const std::string program = folder / "other";
  std::filesystem::copy_file(WEFT_SUBJECT, program);
  std::fstream file(program, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto at = bytes.find(std::string("weft-lay\2\0\0\0", 12));
  ASSERT_NE(at, bytes.npos);
  file.clear();
  file.seekp(static_cast<std::streamoff>(at + 8));
  file.put(77);
  file.close();
  subject process({"parked", "3"}, program);
  const printed seen = tool("ps " + process.id());
  REQUIRE_ALLOWED(seen);
  expect_error(seen, "another version of weft (layout 77, this command knows 2)");
}

TEST(ps, a_runtime_that_was_never_started_has_no_goroutines) {
  subject process({"unstarted"});
  const printed seen = tool("ps " + process.id());
  REQUIRE_ALLOWED(seen);
  EXPECT_EQ(seen.status, 0);
  EXPECT_THAT(seen.text, HasSubstr(": 0 goroutines")) << seen.text;
}

// --- weft stack -----------------------------------------------------------------------------------------------

void expect_stacks(const subject& process, const std::string& text) {
  EXPECT_THAT(text, ContainsRegex("\ngoroutine " + process.id_of("reader") + " .chan receive.: reader\nand 2 more with the same stack: " +
                                  process.id_of("reader", 1) + " " + process.id_of("reader", 2) +
                                  "\nsubject::wait_for_value.*\n\t.*subject_program.cpp:[0-9]+"));
  EXPECT_THAT(text, ContainsRegex("\ngoroutine " + process.id_of("spinner") + " .running.*.: spinner\n"));
  EXPECT_THAT(text, HasSubstr("\nsubject::spin_for_ever()\n"));
  EXPECT_THAT(text, ContainsRegex("\ngoroutine " + process.id_of("blocked") + " .blocking call.: blocked\n"));
  EXPECT_THAT(text, HasSubstr("\nsubject::sleep_in_the_kernel(int)\n"));
  EXPECT_THAT(text,
              ContainsRegex("created by subject::park_readers.* in goroutine 1\n\t.*subject_program.cpp:[0-9]+\n"));
  EXPECT_THAT(text, Not(HasSubstr("weft::sched::"))) << "the runtime's own frames are left out";
  EXPECT_THAT(text, Not(HasSubstr("callers are not known"))) << "each stack is whole";
}

TEST(stack, shows_parked_running_and_blocked_goroutines_and_disturbs_none) {
  subject process({"parked", "3"});
  const printed seen = tool("stack " + process.id());
  REQUIRE_ALLOWED(seen);
  if (!has_symbols()) GTEST_SKIP() << "built without libdw";
  expect_stacks(process, seen.text);
  EXPECT_THAT(tool("stack --runtime " + process.id()).text, HasSubstr("weft::sched::park"));
  const std::string second = process.id_of("reader", 1);
  const printed one = tool("stack " + process.id() + " " + second);
  EXPECT_THAT(one.text, HasSubstr("\ngoroutine " + second + " [chan receive]: reader\n"));
  EXPECT_THAT(one.text, Not(HasSubstr("goroutine " + process.id_of("reader") + " [")));
  expect_error(tool("stack " + process.id() + " " + second + " 7777777"), "there is no goroutine 7777777");
  const json rows = rows_of(tool("ps " + process.id() + " --json"));
  EXPECT_EQ(named(rows, "blocked").size(), 1u) << "its read() was not interrupted: it would have ended";
  process.tell("ping");
  EXPECT_EQ(process.line(), "pong");
}

TEST(stack, shows_the_stacks_in_a_core_file) {
  if (!has_symbols()) GTEST_SKIP() << "built without libdw";
  scratch folder;
  subject process({"parked", "3"}, WEFT_SUBJECT, folder.path());
  const std::string core = core_of(folder, process);
  REQUIRE_CORE(core);
  expect_stacks(process, tool("stack '" + core + "'").text);
}

TEST(stack, each_alone_as_json) {
  subject process({"parked", "3"});
  const printed seen = tool("stack --json " + process.id());
  REQUIRE_ALLOWED(seen);
  const json rows = rows_of(seen);
  ASSERT_GE(rows.size(), 5u);
  for (const json& row : rows) {
    EXPECT_EQ(row.at("whole"), true) << row;
    EXPECT_FALSE(row.at("frames").empty()) << row;
  }
}

TEST(stack, says_where_frames_were_left_out) {
  if (!has_symbols()) GTEST_SKIP() << "built without libdw";
  subject process({"deep", "2"});
  const printed seen = tool("stack " + process.id());
  REQUIRE_ALLOWED(seen);
  EXPECT_THAT(seen.text, ContainsRegex("subject::wait_deep_down[^\n]*\n\t[^\n]*\n\\.\\.\\.additional frames elided\\.\\.\\.\ncreated by ")) << seen.text;
  EXPECT_THAT(seen.text, Not(HasSubstr("its callers are not known")));
}

TEST(stack, a_process_that_goes_on_is_no_trouble) {
  subject process({"churn"});
  for (int look = 0; look < 10; ++look) {
    const printed seen = tool("stack --json " + process.id());
    REQUIRE_ALLOWED(seen);
    EXPECT_GE(rows_of(seen).size(), 4u);
  }
}

}  // namespace
