// Migration: a goroutine may continue on another worker after any blocking call. What belongs to the goroutine moves
// with it, what belongs to the thread stays, and WEFT_DEBUG=migrate=1 makes the move happen at every park it can.
#include "support/child.h"
#include "support/everywhere.h"
#include "support/eventually.h"

#include <weft/weft.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>
#include <vector>

namespace {

[[gnu::noinline]] long current_thread() { return ::syscall(SYS_gettid); }

thread_local long home_thread = 0;
// Not inlined: the compiler may keep the address of a thread_local across a call that parks.
[[gnu::noinline]] long& home_of_this_thread() {
  if (home_thread == 0) home_thread = current_thread();
  return home_thread;
}

[[gnu::noinline]] void set_errno(int value) { errno = value; }
[[gnu::noinline]] int get_errno() { return errno; }

}  // namespace

class migration : public support::everywhere {};
WEFT_EVERYWHERE(migration);

TEST_P(migration, a_thread_local_belongs_to_the_thread_that_runs_the_goroutine) {
  here([&] {
    auto peers = crew();
    for (int i = 0; i < 6; ++i) {
      peers.start([] {
        for (int k = 0; k < 100; ++k) {
          EXPECT_EQ(home_of_this_thread(), current_thread());
          weft::yield();
        }
      });
    }
  });
}

TEST_P(migration, parks_do_not_disturb_a_pinned_goroutines_errno_slot) {
  here([&] {
    auto peers = crew();
    for (int i = 1; i <= 4; ++i) {
      peers.start([i] {
        weft::thread_pin pin;
        for (int k = 0; k < 50; ++k) {
          set_errno(i);
          EXPECT_EQ(get_errno(), i);
          weft::yield();
        }
      });
    }
  });
}

// Counts how often one goroutine continued on another thread than it parked on.
WEFT_CHILD(counts_moves) {
  weft::set_procs(4);
  return weft::run([] {
    weft::chan<int> to, from;
    support::crew echo;
    echo.start([&] {
      for (int v : to) from.send(v);
    });
    int moves = 0;
    for (int i = 0; i < 1000; ++i) {
      const long before = current_thread();
      to.send(i);
      from.recv();
      if (current_thread() != before) ++moves;
    }
    to.close();
    std::printf("%d\n", moves);
  });
}

TEST(migration_mode, moves_the_goroutine_at_most_parks) {
  const auto child = support::run_child("counts_moves", {"WEFT_DEBUG=migrate=1"});
  int moves = 0;
  ASSERT_EQ(std::sscanf(child.out.c_str(), "%d", &moves), 1) << child;
  EXPECT_GT(moves, 500) << child;
}
