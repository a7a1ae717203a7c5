// WEFT_DEBUG=schedtrace: what the lines say, when they come, and that they are whole.
#include "support/child.h"
#include "support/eventually.h"

#include <weft/weft.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "os/process_memory.h"

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

std::vector<std::string> lines_of(const std::string& text, const std::string& beginning = "") {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(beginning)) lines.push_back(line);
  return lines;
}

// The number behind "key=", or in "SCHED 1004ms" for the key SCHED.
long number_in(const std::string& line, const std::string& key) {
  std::smatch found;
  const std::regex pattern(key == "SCHED" ? "SCHED (\\d+)ms" : " " + key + "=(\\d+)");
  return std::regex_search(line, found, pattern) ? std::stol(found[1]) : -1;
}

const std::regex whole_line(
    R"(SCHED \d+ms: procs=\d+ idleprocs=\d+ workers=\d+ searching=\d+ idleworkers=\d+ runqueue=\d+ )"
    R"(\[\d+( \d+)*\] goroutines=\d+ steals=\d+ wakeups=\d+ retakes=\d+( lostlines=\d+)?)");

}  // namespace

WEFT_CHILD(parks_ten_for_a_while) {
  return weft::run([] {
    weft::chan<int> never;
    for (int i = 0; i < 10; ++i) weft::go([never] { never.recv(); });
    weft::sleep(400ms);
  });
}

TEST(schedtrace, a_line_comes_at_each_interval_also_when_all_is_idle_and_wakes_nobody) {
  const auto child = support::run_child("parks_ten_for_a_while", {"WEFT_DEBUG=schedtrace=20", "WEFT_PROCS=2"});
  EXPECT_EQ(child.exit_status, 0) << child;
  const auto lines = lines_of(child.err);
  ASSERT_GE(lines.size(), 10u) << child;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_TRUE(std::regex_match(lines[i], whole_line)) << lines[i];
    if (i == 0) continue;
    EXPECT_GT(number_in(lines[i], "SCHED") / 20, number_in(lines[i - 1], "SCHED") / 20)
        << "one for each 20 ms " << child;
  }
  const std::string &calm = lines[lines.size() / 2], &later = lines[lines.size() - 2];
  EXPECT_THAT(calm, HasSubstr("procs=2 idleprocs=2 ")) << child;
  EXPECT_EQ(number_in(calm, "goroutines"), 11) << child;
  EXPECT_EQ(number_in(calm, "wakeups"), number_in(later, "wakeups")) << child;
}

TEST(schedtrace, off_says_nothing) { EXPECT_EQ(support::run_child("parks_ten_for_a_while", {"WEFT_DEBUG="}).err, ""); }

WEFT_CHILD(hogs_its_processor) {
  return weft::run([] {
    static std::atomic<bool> stop = false;  // main may end before they have seen it
    for (int i = 0; i < 3; ++i)
      weft::go([] {
        while (!stop) {}
      });
    weft::sleep(300ms);  // due while loops hold all processors
    stop = true;
  });
}

TEST(schedtrace, counts_queued_goroutines_and_retakes) {
  const auto child = support::run_child("hogs_its_processor", {"WEFT_DEBUG=schedtrace=5", "WEFT_PROCS=1"});
  EXPECT_EQ(child.exit_status, 0) << child;
  const auto lines = lines_of(child.err, "SCHED");
  ASSERT_FALSE(lines.empty());
  EXPECT_GE(number_in(lines.back(), "retakes"), 2) << child;
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("[2]") != line.npos || line.find("[1]") != line.npos;
  })) << child;
}

WEFT_CHILD(parks_two_hundred) {
  return weft::run([] {
    weft::chan<int> never;
    for (int i = 0; i < 200; ++i) weft::go({.name = "reader"}, [never] { never.recv(); });
    weft::sleep(200ms);
  });
}

TEST(schedtrace, detail_lists_processors_workers_and_as_many_goroutines_as_are_reasonable) {
  int there = 1, here = 0;
  if (!weft::os::peek(&there, &here, sizeof here)) GTEST_SKIP() << "an emulator or a sandbox refuses process_vm_readv";
  const auto child =
      support::run_child("parks_two_hundred", {"WEFT_DEBUG=schedtrace=150,scheddetail=1", "WEFT_PROCS=2"});
  EXPECT_EQ(child.exit_status, 0) << child;
  const auto second = child.err.rfind("SCHED");
  ASSERT_NE(second, std::string::npos);
  const std::string last = child.err.substr(second);
  EXPECT_THAT(last,
              testing::ContainsRegex("  P0: status=(idle|running) worker=(none|[0-9]+) schedtick=[0-9]+ queue=0"));
  EXPECT_THAT(last, HasSubstr("  P1: status="));
  EXPECT_THAT(last, testing::ContainsRegex("  W[0-9]+: p=(none|[01]) goroutine=none detached=false"));
  EXPECT_THAT(last,
              testing::ContainsRegex("  G[0-9]+: status=waiting.chan receive. for=[0-9]+ms name=reader creator=1"));
  EXPECT_EQ(lines_of(last, "  G").size(), 64u) << last;
  EXPECT_THAT(last, HasSubstr("  ... and 137 more goroutines\n"));
}

WEFT_CHILD(writes_to_stderr_all_the_time) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) [[maybe_unused]] const auto n = ::write(2, "other output of the program\n", 28);
  });
  const int status = weft::run([] { weft::sleep(150ms); });
  stop = true;
  writer.join();
  return status;
}

TEST(schedtrace, lines_are_not_torn_by_other_output) {
  const auto child = support::run_child("writes_to_stderr_all_the_time", {"WEFT_DEBUG=schedtrace=1"});
  EXPECT_EQ(child.exit_status, 0);
  EXPECT_GE(lines_of(child.err, "SCHED").size(), 5u);
  for (const std::string& line : lines_of(child.err))
    ASSERT_TRUE(line == "other output of the program" || std::regex_match(line, whole_line)) << line;
}

// Nobody reads its stderr until it is done, and there is no room in the pipe.
WEFT_CHILD(stderr_is_full) {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK) != 0) return 1;
  const std::string page(4096, '.');
  while (::write(ends[1], page.data(), page.size()) > 0) {}
  ::fcntl(ends[1], F_SETFL, 0);  // whoever writes waits
  const int real_stderr = ::dup(2);
  ::dup2(ends[1], 2);
  std::string rest;
  const int status = weft::run([&] {
    // The loop keeps the only processor: main comes back by way of the monitor, if that does not hang.
    weft::go([] {
      for (const auto until = weft::clock::now() + 200ms; weft::clock::now() < until;) {}
    });
    weft::sleep(20ms);
    std::string block(65536, '\0');
    const auto drain = [&] {
      for (ssize_t n; (n = ::read(ends[0], block.data(), block.size())) > 0;)
        rest.append(block, 0, static_cast<std::size_t>(n));
      return rest.find("lostlines=") != std::string::npos;
    };
    support::eventually(drain);
  });
  [[maybe_unused]] const auto n = ::write(real_stderr, rest.data(), rest.size());
  return status;
}

TEST(schedtrace, the_monitor_does_not_wait_for_a_reader) {
  const auto child = support::run_child("stderr_is_full", {"WEFT_DEBUG=schedtrace=2", "WEFT_PROCS=1"});
  EXPECT_EQ(child.exit_status, 0) << child.timed_out;
  EXPECT_THAT(child.err, testing::ContainsRegex("lostlines=[1-9]")) << "lines that did not fit are counted";
}
