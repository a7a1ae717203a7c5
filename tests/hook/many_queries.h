// A thousand queries at the same time, by C code that blocks: how long they took, how many threads it needed, and how late
// another goroutine was meanwhile.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <weft/weft.h>

#include "os/process_threads.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace hook_test {

using namespace std::chrono_literals;

struct course {
  double seconds = 0;
  int most_threads = 0;
  double worst_late_ms = 0, median_late_ms = 0;  // of another goroutine, which wants to wake every millisecond
  int failed = 0;
};

inline void raise_open_files_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16'384);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Each of `clients` goroutines makes a Client(port), and when all have theirs, asks it `rounds` times. Connecting is not
// counted, but it parks too.
template <class Client>
course ask_all(int clients, int rounds, int port) {
  course seen;
  weft::run([&] {
    weft::wait_group connected, asked;
    weft::chan<void> go_ahead;
    std::atomic<int> failed{0};
    std::atomic<bool> is_over{false};
    weft::semaphore connecting(32);  // servers have short queues
    connected.add(clients);
    for (int i = 0; i < clients; ++i)
      asked.go([&, i] {
        connecting.acquire(1);
        Client client(port);
        connecting.release(1);
        connected.done();
        go_ahead.recv();
        for (int n = 0; n < rounds; ++n)
          if (!client.ask(i)) ++failed;
      });
    connected.wait();
    weft::wait_group watcher;
    std::vector<double> all_late;
    watcher.go([&] {
      for (int n = 0; !is_over; ++n) {
        const auto due = weft::clock::now() + 1ms;
        weft::sleep_until(due);
        const std::chrono::duration<double, std::milli> late = weft::clock::now() - due;
        all_late.push_back(late.count());
        if (n % 4 == 0) seen.most_threads = std::max(seen.most_threads, weft::os::thread_count());
      }
    });
    const auto start = weft::clock::now();
    go_ahead.close();
    asked.wait();
    seen.seconds = std::chrono::duration<double>(weft::clock::now() - start).count();
    is_over = true;
    watcher.wait();
    std::ranges::sort(all_late);
    seen.worst_late_ms = all_late.back();
    seen.median_late_ms = all_late[all_late.size() / 2];
    seen.failed = failed;
  });
  return seen;
}

// With the hook: 1,000 queries of 100 ms, all of them at the same time when there are as many clients, in about the time of
// a few, on a handful of threads. Without it the same, each in a thread of its own that retake gave up: others hardly notice.
template <class Client>
void expect_many(const char* what, int port, int clients) {
  raise_open_files_limit();
  support::procs_scope two(2);
  const int rounds = 1000 / clients;
  const course seen = ask_all<Client>(clients, rounds, port);
  std::printf("%s: %d x %d queries of 100 ms in %.2f s, at most %d threads, another goroutine %.1f ms late, at most %.1f\n",
              what,
              clients, rounds, seen.seconds, seen.most_threads, seen.median_late_ms, seen.worst_late_ms);
  EXPECT_EQ(seen.failed, 0);
  EXPECT_GE(seen.seconds, 0.1 * rounds) << "the server did not wait: nothing was measured";
#ifdef WEFT_TEST_WITHOUT_HOOK
  EXPECT_GT(seen.most_threads, 80) << "who parks here?";  // fewer than calls: the first are over before the last begins
  EXPECT_LT(seen.median_late_ms, 50 * support::patience());
  EXPECT_LT(seen.worst_late_ms, 3000 * support::patience());
#else
  EXPECT_LT(seen.seconds, (0.1 * rounds + 6) * support::patience()) << "one after the other: 100 s";
  EXPECT_LE(seen.most_threads, 40);  // a slow machine makes some; not one for each call
#endif
}

}  // namespace hook_test
