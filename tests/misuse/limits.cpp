// Limits: reaching one is a clear message, not a hang and not a crash.
#include "support/child.h"
#include "support/crew.h"

#include <weft/weft.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

using support::mentions;
using support::run_child;

namespace {

int block_this_many(int count, bool declared) {
  int ends[2];
  if (::pipe(ends) != 0) return 1;
  support::crew crew;
  const auto read_one = [&] {
    char byte;
    return ::read(ends[0], &byte, 1);
  };
  for (int i = 0; i < count; ++i) {
    crew.start([&, declared] {
      if (declared) weft::blocking(read_one);
      else static_cast<void>(read_one());
    });
  }
  weft::sleep(std::chrono::milliseconds(200));  // let the monitor meet the limit, or not
  for (int i = 0; i < count; ++i) {
    if (::write(ends[1], "x", 1) != 1) return 1;
  }
  crew.join();
  std::puts("ok");
  return 0;
}

}  // namespace

WEFT_CHILD(forty_declared_blocking_calls) { return block_this_many(40, true); }
WEFT_CHILD(forty_undeclared_blocking_calls) { return block_this_many(40, false); }

TEST(limits, more_threads_than_allowed_is_a_clear_error) {
  for (const char* scenario : {"forty_declared_blocking_calls", "forty_undeclared_blocking_calls"}) {
    const auto child = run_child(scenario, {"WEFT_MAX_THREADS=8", "WEFT_PROCS=2"});
    EXPECT_FALSE(child.timed_out) << child;
    EXPECT_NE(child.exit_status, 0) << child;
    EXPECT_THAT(child.err, mentions("thread")) << child;
    EXPECT_THAT(child.err, mentions("WEFT_MAX_THREADS")) << child;
  }
}

TEST(limits, the_default_allows_them) {
  for (const char* scenario : {"forty_declared_blocking_calls", "forty_undeclared_blocking_calls"}) {
    const auto child = run_child(scenario, {"WEFT_MAX_THREADS=", "WEFT_PROCS=2"});
    EXPECT_EQ(child.out, "ok\n") << child;
  }
}

WEFT_CHILD(does_nothing_much) {
  return weft::run([] { weft::yield(); });
}

TEST(limits, nonsense_in_the_environment_is_refused_by_name) {
  for (const char* setting : {"WEFT_PROCS=many", "WEFT_DEBUG=guard=cardboard", "WEFT_DEBUG=migrat=1", "WEFT_PROC=1"}) {
    const auto child = run_child("does_nothing_much", {setting});
    EXPECT_EQ(child.exit_status, 2) << setting << '\n' << child;
    EXPECT_THAT(child.err, mentions(std::string(setting).substr(0, 9))) << setting << '\n' << child;
  }
}

// Goroutines that exist already block their threads, and there is no address space for another thread's stack.
WEFT_CHILD(no_room_for_another_thread) {
  return weft::run([] {
    weft::chan<void> go;
    weft::wait_group ready;
    support::crew crew;
    ready.add(8);
    for (int i = 0; i < 8; ++i) {
      crew.start([&] {
        ready.done();
        go.recv();
        weft::blocking([] { ::usleep(500'000); });
      });
    }
    ready.wait();
    std::ifstream status("/proc/self/statm");
    rlim_t pages = 0;
    status >> pages;
    const rlimit limit{pages * 4096 + 64 * 1024, pages * 4096 + 64 * 1024};
    ::setrlimit(RLIMIT_AS, &limit);
    go.close();
    crew.join();
    return 0;
  });
}

TEST(limits, a_thread_that_the_kernel_refuses_is_a_clear_error) {
  const auto child = run_child("no_room_for_another_thread", {"WEFT_PROCS=1"});
  if (child.exit_status == 0) GTEST_SKIP() << "the threads there were sufficed, or their stacks are not counted here";
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("cannot start worker thread")) << child;
  EXPECT_THAT(child.err, mentions("WEFT_MAX_THREADS")) << child;
}
