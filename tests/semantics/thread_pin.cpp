// weft::thread_pin: the goroutine stays on its thread, and no other goroutine runs there, until the scope ends.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>

namespace {

// By system call: a thread_local or pthread_self() might be cached by the compiler across a park.
[[gnu::noinline]] long thread_id() { return ::syscall(SYS_gettid); }

}  // namespace

class pin_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(pin_everywhere);

TEST_P(pin_everywhere, stays_on_one_thread_across_parks) {
  here([&] {
    weft::chan<int> to, from;
    auto peers = crew();
    peers.start([&] {
      for (int v : to) from.send(v);
    });
    {
      weft::thread_pin pin;
      const long home = thread_id();
      for (int i = 0; i < 100; ++i) {
        to.send(i);
        EXPECT_EQ(from.recv(), i);
        weft::yield();
        EXPECT_EQ(thread_id(), home);
      }
      weft::sleep(std::chrono::milliseconds(1));
      EXPECT_EQ(thread_id(), home);
    }
    to.close();
  });
}

TEST_P(pin_everywhere, no_other_goroutine_runs_on_a_pinned_thread) {
  here([&] {
    weft::chan<void> release;
    std::mutex m;
    std::set<long> pinned;
    std::atomic<int> ready{0};
    support::crew pins;
    for (int i = 0; i < 3; ++i) {
      pins.start([&] {
        weft::thread_pin pin;
        {
          std::lock_guard hold(m);
          EXPECT_TRUE(pinned.insert(thread_id()).second);
        }
        ++ready;
        release.recv();
      });
    }
    EXPECT_TRUE(support::eventually([&] { return ready == 3; }));
    support::crew others;
    for (int i = 0; i < 20; ++i) {
      others.start([&] {
        for (int k = 0; k < 10; ++k) {
          {
            std::lock_guard hold(m);
            EXPECT_FALSE(pinned.contains(thread_id()));
          }
          weft::yield();
        }
      });
    }
    others.join();
    release.close();
  });
}

TEST_P(pin_everywhere, scopes_nest) {
  here([&] {
    weft::thread_pin outer;
    const long home = thread_id();
    { weft::thread_pin inner; }
    for (int i = 0; i < 20; ++i) weft::yield();
    weft::sleep(std::chrono::microseconds(100));
    EXPECT_EQ(thread_id(), home);
  });
}

TEST_P(pin_everywhere, thread_locals_are_stable_inside_a_pin) {
  here([&] {
    auto peers = crew();
    for (int i = 1; i <= 6; ++i) {
      peers.start([i] {
        static thread_local int mark = 0;
        weft::thread_pin pin;
        mark = i;
        for (int k = 0; k < 20; ++k) {
          weft::yield();
          EXPECT_EQ(mark, i);
        }
      });
    }
  });
}

TEST_P(pin_everywhere, a_pinned_goroutine_may_end_inside_its_scope) {
  here([&] {
    for (int i = 0; i < 30; ++i) {
      support::on_goroutine([] {
        weft::thread_pin pin;
        weft::yield();
      });
    }
  });
}
