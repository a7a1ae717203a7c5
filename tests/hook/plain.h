// The calls that are under test, as plain C code makes them, and ways to see who waits.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <gmock/gmock.h>
#include <weft/weft.h>

#include "sched/idle.h"
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

namespace hook_test {

using namespace std::chrono_literals;

struct closing_pair {
  ~closing_pair() {
    close_one(0);
    close_one(1);
  }
  void close_one(int end) {
    if (fds[end] >= 0) ::close(fds[end]);
    fds[end] = -1;
  }
  int fds[2] = {-1, -1};
};

struct socket_pair : closing_pair {
  explicit socket_pair(int type = SOCK_STREAM) { EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0); }
};
struct pipe_pair : closing_pair {
  pipe_pair() { EXPECT_EQ(::pipe2(fds, 02000000), 0); }
};

// Many calls wait at the same time: start_parked() proves that they park, the count that they hold no threads. A slow machine
// makes more workers than it needs; they sleep when there is nothing to run, those that are inside a call do not.
template <class Wait, class Release>
void expect_parked(int calls, Wait wait, Release release) {
  support::crew waiters;
  for (int i = 0; i < calls; ++i) support::start_parked(waiters, [&, i] { wait(i); });
  const auto busy_workers = [] {
    using weft::sched::the;
    return static_cast<int>(the.workers.load(weft::base::relaxed) - the.idle_workers.load(weft::base::relaxed));
  };
  EXPECT_TRUE(support::eventually([&] { return busy_workers() <= 2; })) << busy_workers();  // the caller's, and one that wakes
  release();
}

// errno where the caller is now. Its address may be kept by the compiler from before a call, within one function.
[[gnu::noinline]] inline int errno_here() { return errno; }

inline double seconds_since(weft::clock::time_point start) {
  return std::chrono::duration<double>(weft::clock::now() - start).count();
}

}  // namespace hook_test
