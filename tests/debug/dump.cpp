// debug::dump: every kind of goroutine with its stack.
#include "debug/dump_of.h"
#include "support/child.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/parked.h"

#include <gtest/gtest.h>

#include <weft/net.h>
#include <weft/os.h>

#include "base/unusual.h"
#include "debug/census.h"
#include "debug/dump_text.h"
#include "sched/schedule.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <span>
#include <sstream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using dumps::paragraph_with;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

[[gnu::noinline]] void serve(weft::chan<int> requests) {
  requests.recv();
  asm volatile("" : : : "memory");  // not the last thing it does: the call would take its place on the stack
}

class dump : public testing::Test {
 protected:
  void SetUp() override {
    if (!dumps::has_lines(dumps::dump())) GTEST_SKIP() << "libdw is not installed";
  }
};

TEST_F(dump, shows_parked_goroutines_in_the_form_of_go) {
  weft::chan<int> requests;
  support::crew helpers(support::kind::goroutine);
  support::start_parked(helpers, [&] { serve(requests); });
  const std::string text = dumps::dump();
  // Function, then a tab, the file, the line and the offset.
  EXPECT_THAT(paragraph_with(text, {"serve("}),
              ContainsRegex("^goroutine [0-9]+ \\[chan receive, [0-9]+ ms\\]:\n(.*\n)*"
                            ".*serve\\(weft::chan<int>\\)\n\t.*/dump\\.cpp:[0-9]+ \\+0x[0-9a-f]+\n(.*\n)*"
                            "created by .* *\n\t.*:[0-9]+")) << text;
  EXPECT_THAT(text, Not(HasSubstr("weft::sched::"))) << "frames of the runtime";
  requests.close();
}

TEST_F(dump, says_who_created_a_goroutine_and_its_name) {
  weft::chan<int> requests;
  std::uint64_t parent = 0;
  weft::wait_group done;
  done.add(1);
  weft::go([&] {
    parent = weft::goroutine_id();
    weft::go({.name = "the server"}, [&] { serve(requests); done.done(); });
  });
  std::string found;
  ASSERT_TRUE(support::eventually([&] { return !(found = paragraph_with(dumps::dump(), {"the server", "chan receive"})).empty(); }));
  EXPECT_THAT(found, ContainsRegex("\\[chan receive, [0-9]+ ms\\]: the server\n"));
  EXPECT_THAT(found, HasSubstr(" in goroutine " + std::to_string(parent) + "\n"));
  EXPECT_THAT(found, ContainsRegex("created by .*\n\t.*dump\\.cpp:[0-9]+"));
  requests.close();
  done.wait();
}

TEST_F(dump, puts_identical_stacks_together) {
  weft::chan<int> requests;
  weft::wait_group done;
  for (int i = 0; i < 1000; ++i) done.go([&] { serve(requests); });
  std::string text;
  EXPECT_TRUE(support::eventually([&] { return (text = dumps::dump()).find("1000 with this stack]") != text.npos; })) << text;
  const std::string group = paragraph_with(text, {"1000 with this stack"});
  EXPECT_THAT(group, HasSubstr("chan receive"));
  EXPECT_THAT(group, ContainsRegex("also goroutines [0-9]+, [0-9]+, .*, \\.\\.\\.\n"));
  EXPECT_THAT(text, ContainsRegex("^10[0-9][0-9] goroutines, [0-9]+ different stacks\n"));
  requests.close();
  done.wait();
}

// One function, parked by every way that there is.
class all_the_same : public dump {
 protected:
  template <class Waits, class LetGo>
  void expect_one_stack(const Waits& waits, const char* text_of_reason, const LetGo& let_go) {
    constexpr int of_each = 8;
    support::crew helpers(support::kind::goroutine);
    const auto start = [&] { for (int i = 0; i < of_each; ++i) support::start_parked(helpers, waits); };
    start();
    weft::base::unusual_things.fetch_add(weft::base::unusual_world, weft::base::seq_cst);  // no short ways
    start();
    weft::base::unusual_things.fetch_sub(weft::base::unusual_world, weft::base::seq_cst);
    const std::string text = dumps::dump();
    EXPECT_THAT(paragraph_with(text, {std::to_string(2 * of_each) + " with this stack"}), HasSubstr(text_of_reason)) << text;
    for (int i = 0; i < 2 * of_each; ++i) let_go();
  }
  weft::chan<int> requests;
};

[[gnu::noinline]] void answer(weft::chan<int> requests) {
  requests.send(1);
  asm volatile("" : : : "memory");
}
[[gnu::noinline]] void choose(weft::chan<int> requests, weft::chan<int> others) {
  weft::select(weft::on_recv(requests), weft::on_recv(others));
  asm volatile("" : : : "memory");
}
TEST_F(all_the_same, receivers) { expect_one_stack([this] { serve(requests); }, "chan receive", [this] { requests.send(1); }); }
TEST_F(all_the_same, senders) { expect_one_stack([this] { answer(requests); }, "chan send", [this] { requests.recv(); }); }
TEST_F(all_the_same, selects) {
  weft::chan<int> never;
  expect_one_stack([this, never] { choose(requests, never); }, "select", [this] { requests.send(1); });
}

[[gnu::noinline]] void compute(const std::atomic<bool>& stop, std::atomic<bool>& began) {
  began = true;
  while (!stop) {}
}

TEST_F(dump, shows_goroutines_that_run) {
  std::atomic<bool> stop{false}, began{false};
  weft::wait_group done;
  done.go([&] { compute(stop, began); });
  ASSERT_TRUE(support::eventually([&] { return began.load(); }));
  EXPECT_THAT(paragraph_with(dumps::dump(), {"compute("}), HasSubstr(" [running]:"));
  stop = true;
  done.wait();
}

// What a signal would cut short goes on: the thread is left alone.
[[gnu::noinline]] void polls(int fd, std::atomic<int>& began) {
  ++began;
  pollfd one{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&one, 1, -1), 1) << "interrupted";
}
[[gnu::noinline]] void says_so(int fd, std::atomic<int>& began) {
  weft::blocking([&] { polls(fd, began); });
}
TEST_F(dump, shows_goroutines_blocked_in_the_kernel_and_does_not_wake_them) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::atomic<int> began{0};
  weft::wait_group done;
  done.go([&] { polls(ends[0], began); });
  done.go([&] { says_so(ends[0], began); });
  std::string text;
  EXPECT_TRUE(support::eventually([&] {
    text = dumps::dump();
    const std::string declared = paragraph_with(text, {"[syscall]:", "says_so("});
    return began == 2 && !declared.empty() && declared.find("polls(") != text.npos && paragraph_with(text, {"[syscall]:", "polls("}) != "";
  })) << text;
  EXPECT_EQ(::write(ends[1], "x", 1), 1);
  done.wait();
  ::close(ends[0]), ::close(ends[1]);
}

// Without the lines that tell files: the tree may lie in a folder of any name.
std::string without_places(const std::string& paragraph) {
  std::string kept, line;
  for (std::istringstream lines(paragraph); std::getline(lines, line);)
    if (!line.starts_with('\t')) kept += line + '\n';
  return kept;
}

// Between the system call and the bottom of the goroutine there is nothing that has saved a register.
TEST_F(dump, ends_with_the_users_frames_where_the_first_function_blocks_in_the_kernel) {
  static int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  static char byte;
  [[maybe_unused]] static ssize_t received;
  weft::go({.name = "at once"}, [] { received = ::read(ends[0], &byte, 1); });
  weft::go({.name = "at last"}, [] { static_cast<void>(!::read(ends[0], &byte, 1)); });
  for (const char* name : {"at once", "at last"}) {
    std::string found;
    EXPECT_TRUE(support::eventually([&] { return !(found = paragraph_with(dumps::dump(), {std::string(" [syscall]: ") + name + '\n'})).empty(); }));
    EXPECT_THAT(found, HasSubstr("read\n")) << found;
    EXPECT_THAT(without_places(found), Not(HasSubstr("weft"))) << found;
  }
  EXPECT_EQ(::write(ends[1], "xy", 2), 2);
}

[[gnu::always_inline]] inline void waits_inlined(weft::chan<int>& requests) { requests.recv(); }
[[gnu::noinline]] void waits_outside(weft::chan<int> requests) {
  waits_inlined(requests);
  asm volatile("" : : : "memory");
}
TEST_F(dump, shows_inlined_functions_with_their_lines) {
  weft::chan<int> requests;
  support::crew helpers(support::kind::goroutine);
  support::start_parked(helpers, [&] { waits_outside(requests); });
  EXPECT_THAT(paragraph_with(dumps::dump(), {"waits_outside("}),
              ContainsRegex("waits_inlined.*\n\t.*/dump\\.cpp:[0-9]+ \\(inlined\\)\n"
                            ".*waits_outside\\(weft::chan<int>\\)\n\t.*/dump\\.cpp:[0-9]+ \\+0x"));
  requests.close();
}

TEST(dump_text, tells_ages_in_whole_units) {
  EXPECT_EQ(weft::debug::age_text(312'000'000), "312 ms");
  EXPECT_EQ(weft::debug::age_text(119'000'000'000), "119 seconds");
  EXPECT_EQ(weft::debug::age_text(5 * 60'000'000'000), "5 minutes");
}

// The blocking call is the last thing that a function does: it must not take the function's place on the stack.
struct last_acts {
  weft::mutex mutex;
  weft::rw_mutex table, written;
  weft::cond changed;
  weft::semaphore units{1};
  weft::wait_group group;
  weft::chan<void> signal, silence;
  weft::context done;
  weft::os::pipe pipe = *weft::os::open_pipe();
  weft::net::tcp_listener listener = *weft::net::listen_tcp("127.0.0.1:0");
};
[[gnu::noinline]] void at_last_locks(last_acts& a) { a.mutex.lock(); }
[[gnu::noinline]] void at_last_writes(last_acts& a) { a.table.lock(); }
[[gnu::noinline]] void at_last_reads(last_acts& a) { a.written.lock_shared(); }
[[gnu::noinline]] void at_last_waits_for_change(last_acts& a, std::unique_lock<weft::mutex>& lock) { a.changed.wait(lock); }
[[gnu::noinline]] void at_last_acquires(last_acts& a) { a.units.acquire(); }
[[gnu::noinline]] weft::result<void> at_last_acquires_with(last_acts& a) { return a.units.acquire(a.done); }
[[gnu::noinline]] void at_last_waits_for_all(last_acts& a) { a.group.wait(); }
[[gnu::noinline]] bool at_last_receives(last_acts& a) { return a.signal.recv(); }
[[gnu::noinline]] void at_last_sends(last_acts& a) { a.silence.send(); }
[[gnu::noinline]] std::size_t at_last_selects(std::span<weft::select_case* const> cases) { return weft::select(cases); }
[[gnu::noinline]] void at_last_sleeps() { weft::sleep(1h); }
[[gnu::noinline]] void at_last_sleeps_until(weft::clock::time_point when) { weft::sleep_until(when); }
[[gnu::noinline]] weft::result<std::size_t> at_last_reads_bytes(last_acts& a, std::span<std::byte> into) { return a.pipe.reader.read(into); }
[[gnu::noinline]] weft::result<weft::net::tcp_conn> at_last_accepts(last_acts& a) { return a.listener.accept(); }

TEST_F(dump, shows_functions_whose_last_act_blocks) {
  static last_acts& a = *new last_acts;  // they stay where they are
  a.mutex.lock(), a.table.lock_shared(), a.written.lock(), a.group.add(1), a.units.acquire();
  a.done = weft::background();
  static weft::mutex guard;
  weft::go([] { at_last_locks(a); });
  weft::go([] { at_last_writes(a); });
  weft::go([] { at_last_reads(a); });
  weft::go([] {
    std::unique_lock lock(guard);
    at_last_waits_for_change(a, lock);
  });
  weft::go([] { at_last_acquires(a); });
  weft::go([] { static_cast<void>(at_last_acquires_with(a)); });
  weft::go([] { at_last_waits_for_all(a); });
  weft::go([] { at_last_receives(a); });
  weft::go([] { at_last_sends(a); });
  weft::go([] {
    auto never = weft::on_recv(a.signal);
    weft::select_case* const cases[] = {&never};
    at_last_selects(cases);
  });
  weft::go([] { at_last_sleeps(); });
  weft::go([] { at_last_sleeps_until(weft::clock::now() + 1h); });
  weft::go([] {
    std::byte room[10];
    static_cast<void>(at_last_reads_bytes(a, room));
  });
  weft::go([] { static_cast<void>(at_last_accepts(a)); });
  std::string text, missing;
  EXPECT_TRUE(support::eventually([&] {
    text = dumps::dump();
    missing.clear();
    for (const char* function : {"locks", "writes", "reads", "waits_for_change", "acquires", "acquires_with", "waits_for_all", "receives", "sends",
                                 "selects", "sleeps", "sleeps_until", "reads_bytes", "accepts"})
      if (text.find(std::string("at_last_") + function + '(') == text.npos) missing += std::string(" ") + function;
    return missing.empty();
  })) << "missing:" << missing << '\n' << text;
}

// They run as soon as the caller lets them, which a dump does: so the census is taken here, on the goroutine.
TEST(census, knows_goroutines_that_never_ran) {
  weft::set_procs(1);
  weft::run([] {
    EXPECT_TRUE(support::eventually([] {
      for (int i = 0; i < 3; ++i) weft::go({.name = "newborn"}, [] {});
      weft::debug::census all;
      all.take({});
      for (const auto& group : all.groups())
        if (group.doing == weft::debug::activity::newborn && group.count == 3 && group.name == std::string("newborn") && group.start_site) return true;
      return false;  // the monitor was quicker
    }));
  });
}

TEST(census, knows_functions_of_timers_that_are_due) {
  weft::set_procs(1);
  weft::run([] {
    EXPECT_TRUE(support::eventually([] {
      std::atomic<int> seen = 0;
      weft::wait_group all;
      all.add(20);
      for (int i = 0; i < 20; ++i)
        weft::after_func(100us, [&, i] {
          if (i == 0) {
            weft::debug::census everybody;
            everybody.take({});
            for (const auto& group : everybody.groups())
              if (group.doing == weft::debug::activity::newborn && group.start_site) seen = static_cast<int>(group.count);
          }
          all.done();
        });
      for (const auto end = weft::clock::now() + 1ms; weft::clock::now() < end;) {}
      all.wait();
      return seen == 19;  // else some were due before all were set
    }));
  });
}

TEST_F(dump, shows_who_calls_it_first) {
  weft::run([] {
    const std::string text = dumps::dump();
    const auto all = dumps::paragraphs(text);
    ASSERT_FALSE(all.empty());
    EXPECT_THAT(all.front(), HasSubstr("goroutine " + std::to_string(weft::goroutine_id()) + " [running]: main\n")) << text;
    EXPECT_THAT(all.front(), HasSubstr("dumps::dump()")) << text;
  });
}

TEST(dump_without_symbols, says_where_addresses_are) {
  const auto child = support::run_child("dumps_itself", {"WEFT_DEBUG=symbols=0"});
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_THAT(child.err, ContainsRegex("goroutine 1 \\[running\\]: main\n0x[0-9a-f]+\n\t/.*debug_dump \\+0x[0-9a-f]+")) << child;
}
WEFT_CHILD(dumps_itself) {
  return weft::run([] { weft::debug::dump(); });
}

// A reader that has gone to lunch must not stop the program.
TEST(dump_to_a_full_pipe, gives_up) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  char filling[4096] = {};
  while (::write(ends[1], filling, sizeof filling) > 0) {}
  ::fcntl(ends[1], F_SETFL, 0);
  weft::chan<int> requests;
  support::crew helpers(support::kind::goroutine);
  support::start_parked(helpers, [&] { serve(requests); });
  const auto start = weft::clock::now();
  weft::debug::dump(ends[1]);
  EXPECT_GT(weft::clock::now() - start, 4s);
  EXPECT_LT(weft::clock::now() - start, support::stretched(30s));
  ::close(ends[0]), ::close(ends[1]);
  requests.close();
}

// Scaled down: the bench command in docs/debugging.md does it with a million.
TEST(dump_of_many, is_quick_and_small) {
  constexpr int many = 50'000;
  weft::run([] {
    weft::chan<int> requests;
    weft::wait_group done;
    std::vector<std::atomic<weft::detail::sleeper*>> servers(many);
    for (auto& server : servers)
      done.go([&] {
        server = weft::sched::self();
        serve(requests);
      });
    const auto is_parked = [](const std::atomic<weft::detail::sleeper*>& server) {
      const auto* const who = server.load();
      return who && who->reason.load(weft::base::acquire) != weft::sched::wait_reason::none;
    };
    ASSERT_TRUE(support::eventually([&] { return std::all_of(servers.begin(), servers.end(), is_parked); }));
    const auto peak = [] {
      rusage usage{};
      ::getrusage(RUSAGE_SELF, &usage);
      return usage.ru_maxrss;
    };
    const long before_kib = peak();
    const auto start = weft::clock::now();
    const std::string text = dumps::dump();
    const auto took = weft::clock::now() - start;
    EXPECT_LT(took, support::stretched(5s));
    EXPECT_LT(peak() - before_kib, 64 * 1024);
    EXPECT_LT(text.size(), 64 * 1024u);
    EXPECT_THAT(text, HasSubstr(", " + std::to_string(many) + " with this stack]:"));
    requests.close();
    done.wait();
  });
}

}  // namespace
