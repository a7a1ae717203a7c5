// After warm-up, send, recv, select, lock, sleep and timers allocate nothing: rule 5 of the interface.
//
// This program replaces malloc's family and operator new by counting forwards to glibc's own entry points, so that an
// allocation by any thread, the runtime's included, is seen.
#include "support/crew.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <new>
#include <shared_mutex>

using namespace std::chrono_literals;

namespace {

std::atomic<long> allocations{0};
std::atomic<bool> is_counting{false};

void count() {
  if (is_counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
  count();
  return __libc_malloc(n);
}
void* calloc(std::size_t k, std::size_t n) {
  count();
  return __libc_calloc(k, n);
}
void* realloc(void* p, std::size_t n) {
  count();
  return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  count();
  return __libc_memalign(alignment, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
  count();
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t n) {
  count();
  *out = __libc_memalign(alignment, n);
  return *out ? 0 : ENOMEM;
}
}

namespace {

// Runs the scenario until it allocated nothing in a whole run: caches fill in the first ones. A scenario that allocates
// each time never gets there.
template <class Scenario>
void expect_no_allocation_after_warm_up(Scenario run_once) {
  long seen = -1;
  for (int attempt = 0; attempt < 20 && seen != 0; ++attempt) {
    run_once();
    allocations = 0;
    is_counting = true;
    run_once();
    is_counting = false;
    seen = allocations;
  }
  EXPECT_EQ(seen, 0) << "allocations in one run after warm-up";
}

}  // namespace

class no_allocation : public testing::TestWithParam<support::caller> {
 protected:
  template <class Scenario>
  void check(Scenario scenario) {
    support::on(GetParam(), [&] { expect_no_allocation_after_warm_up(scenario); });
  }
};
INSTANTIATE_TEST_SUITE_P(from, no_allocation,
                         testing::Values(support::caller::goroutine, support::caller::plain_thread),
                         [](const auto& info) {
                           return info.param == support::caller::goroutine ? "goroutine" : "thread";
                         });

TEST(no_allocation_hook, sees_an_allocation) {
  allocations = 0;
  is_counting = true;
  delete new volatile int(1);
  std::free(std::malloc(10));
  is_counting = false;
  EXPECT_EQ(allocations, 2);
}

TEST_P(no_allocation, in_send_and_recv) {
  weft::chan<int> to, from(4);
  support::crew echo;
  echo.start([&] {
    for (int v : to) from.send(v);
  });
  check([&] {
    for (int i = 0; i < 500; ++i) {
      to.send(i);
      from.recv();
    }
  });
  to.close();
}

TEST_P(no_allocation, in_select) {
  weft::chan<int> to, from, never;
  support::crew echo;
  echo.start([&] {
    for (;;) {
      auto v = weft::on_recv(to);
      auto n = weft::on_recv(never);
      weft::select(v, n);
      auto value = v.take();
      if (!value) return;
      from.send(*value);
    }
  });
  check([&] {
    for (int i = 0; i < 500; ++i) {
      auto s = weft::on_send(to, i);
      auto n = weft::on_recv(never);
      auto late = weft::on_timeout(1h);
      weft::select(s, n, late);
      auto r = weft::on_recv(from);
      weft::select(n, r, late);
    }
  });
  to.close();
}

TEST_P(no_allocation, in_contended_locks) {
  weft::mutex m;
  weft::rw_mutex rw;
  weft::cond changed;
  weft::semaphore slots(1);
  std::atomic<bool> stop{false};
  support::crew rivals;
  for (int i = 0; i < 3; ++i) {
    rivals.start([&] {
      while (!stop) {
        { std::lock_guard hold(m); weft::yield(); }
        { std::lock_guard hold(rw); weft::yield(); }
        { std::shared_lock hold(rw); weft::yield(); }
        slots.acquire();
        changed.notify_all();
        slots.release();
        weft::yield();
      }
    });
  }
  check([&] {
    for (int i = 0; i < 100; ++i) {
      {
        std::unique_lock hold(m);
        changed.wait_for(hold, 1ms);
      }
      { std::lock_guard hold(rw); }
      { std::shared_lock hold(rw); }
      slots.acquire();
      slots.release();
    }
  });
  stop = true;
}

TEST_P(no_allocation, in_sleep_and_timer_resets) {
  weft::timer t(1h);
  weft::ticker beat(100us);
  check([&] {
    for (int i = 0; i < 50; ++i) {
      weft::sleep(20us);
      t.reset(20us);
      t.channel().recv();
      t.reset(1h);
      t.stop();
      auto tick = weft::on_tick(beat);
      auto late = weft::on_timeout(1h);
      weft::select(tick, late);
    }
  });
}

TEST_P(no_allocation, in_wait_group_and_spawn) {
  check([&] {
    for (int i = 0; i < 50; ++i) {
      weft::wait_group wg;
      for (int k = 0; k < 10; ++k) wg.go([] { weft::yield(); });
      wg.wait();
    }
  });
}
