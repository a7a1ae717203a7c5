// What the tests of this folder look into from outside. `subject MODE [COUNT]` prints the id and the name of each reader,
// spinner and blocked one, a line each, and "ready" when it has come to rest, then obeys lines on stdin: "begin" counts how often
// its main thread is stopped, "end" prints that, "hide" forbids others to look, "abort" leaves a core file. Ends with its stdin.
#include <weft/weft.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sched/schedule.h"

namespace subject {

std::atomic<bool> stop = false, spins = false;

std::mutex told_lock;
std::vector<std::string> told;
void tell_id(const char* name) {
  const std::lock_guard alone(told_lock);
  told.push_back(std::to_string(weft::goroutine_id()) + ' ' + name + '\n');
}

[[gnu::noinline]] int wait_for_value(weft::chan<int> never) {
  const auto got = never.recv();
  return got ? *got + 1 : 0;  // no tail call
}

[[gnu::noinline]] int wait_deep_down(weft::chan<int> never, int depth) {
  return depth == 0 ? wait_for_value(never) : wait_deep_down(never, depth - 1) + 1;
}

[[gnu::noinline]] void spin_for_ever() {
  spins = true;
  while (!stop) {}
}

[[gnu::noinline]] void sleep_in_the_kernel(int descriptor) {
  char byte;
  while (::read(descriptor, &byte, 1) > 0) {}
}

[[gnu::noinline]] void lock_both(std::mutex& first, std::mutex& second, weft::wait_group& have_one) {
  const std::lock_guard one(first);
  have_one.done();
  have_one.wait();
  const std::lock_guard both(second);  // never
  std::puts("impossible");
}

// Returns when the goroutines that told who they are have parked.
void wait_until_parked(const std::vector<std::atomic<weft::detail::sleeper*>>& sleepers) {
  for (const auto& sleeper : sleepers)
    while (!sleeper.load() || sleeper.load()->reason.load(weft::base::acquire) == weft::sched::wait_reason::none)
      weft::yield();
}

void park_readers(int count, int depth) {
  static std::vector<std::atomic<weft::detail::sleeper*>> readers(static_cast<std::size_t>(count));
  static weft::chan<int> never;
  for (auto& reader : readers)
    weft::go({.name = "reader"}, [&reader, depth] {
      tell_id("reader");
      reader = weft::sched::self();
      if (depth == 0) wait_for_value(never);
      else wait_deep_down(never, depth);
    });
  wait_until_parked(readers);
}

void start(const std::string& mode, int count) {
  static int ends[2];
  if (::pipe(ends) != 0) std::abort();
  if (mode == "fresh") {  // a core file with goroutines that never ran
    for (int i = 0; i < 3; ++i) weft::go({.name = "unborn"}, spin_for_ever);
    for (int i = 0; i < 5; ++i) weft::go([&count] { count = 0; });     // with one closure for all
    for (int i = 0; i < 3; ++i) weft::go([&count, i] { count = i; });  // with one each
    std::abort();
  }
  if (mode == "due") {  // a core file with functions of timers that are due, and the first of them runs
    for (int i = 0; i < 6; ++i) weft::after_func(std::chrono::microseconds(10), [] { std::abort(); });
    for (const auto end = weft::clock::now() + std::chrono::milliseconds(2); weft::clock::now() < end;) {}
    weft::sleep(std::chrono::hours(1));
  }
  if (mode == "churn") {
    for (int i = 0; i < 8; ++i)
      weft::go([] {
        while (!stop) {
          weft::wait_group children;
          for (int k = 0; k < 16; ++k) children.go([] { weft::yield(); });
          children.wait();
        }
      });
    return;
  }
  if (mode == "hung") {
    static std::mutex left, right;
    static weft::wait_group have_one;
    have_one.add(2);
    weft::go({.name = "lefty"}, [] { lock_both(left, right, have_one); });
    weft::go({.name = "righty"}, [] { lock_both(right, left, have_one); });
    have_one.wait();
    return;
  }
  park_readers(count, mode == "deep" ? 200 : 0);
  weft::go({.name = "spinner"}, [] {
    tell_id("spinner");
    spin_for_ever();
  });
  static std::atomic<bool> in_the_kernel = false;
  weft::go({.name = "blocked"}, [] {
    tell_id("blocked");
    weft::blocking([] {
      in_the_kernel = true;
      sleep_in_the_kernel(ends[0]);
    });
  });
  while (!in_the_kernel || !spins) std::this_thread::yield();
}

// How often the calling thread gave up its CPU by itself until there is a line on stdin. It computes all the time: if it did,
// it was stopped, by a signal or a debugger. That others needed the CPU does not count.
long times_stopped() {
  const auto given_up = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
  };
  const long before = given_up();
  std::cout << "measuring\n";  // from here on
  for (pollfd input{0, POLLIN, 0}; ::poll(&input, 1, 0) == 0;) {}
  return given_up() - before;
}

}  // namespace subject

int main(int argc, char** argv) {
  std::cout.setf(std::ios::unitbuf);
  std::cin.rdbuf()->pubsetbuf(nullptr, 0);
  const std::string mode = argc > 1 ? argv[1] : "parked";
  const auto start = [&] {  // goroutine 1
    subject::start(mode, argc > 2 ? std::atoi(argv[2]) : 3);
    if (mode == "lambda") [] { weft::go({.name = "lambda's"}, [] { weft::chan<int>().recv(); }); }();
  };
  if (mode != "unstarted") weft::run(start);
  for (const std::string& line : subject::told) std::cout << line;
  std::cout << "ready\n";
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "begin") std::cout << std::to_string(subject::times_stopped()) + '\n';
    if (line == "abort") std::abort();
    if (line == "hide") std::cout << (::prctl(PR_SET_DUMPABLE, 0) == 0 ? "hidden" : "seen") << "\n";
    if (line == "ping") std::cout << "pong\n";
  }
  std::_Exit(0);
}
