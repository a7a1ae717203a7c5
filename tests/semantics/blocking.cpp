// weft::blocking: runs the call at once on this thread, lends the processor to others meanwhile, returns its result.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <type_traits>

using namespace std::chrono_literals;

namespace {

// Not inlined: the compiler keeps the address of errno across a call that may continue on another thread.
[[gnu::noinline]] void set_errno(int value) { errno = value; }
[[gnu::noinline]] int get_errno() { return errno; }

}  // namespace

class blocking_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(blocking_everywhere);

TEST_P(blocking_everywhere, returns_what_the_call_returns) {
  here([&] {
    EXPECT_EQ(weft::blocking([] { return 7; }), 7);
    weft::blocking([] {});
    auto owned = weft::blocking([] { return std::make_unique<int>(3); });
    EXPECT_EQ(*owned, 3);
    int number = 1;
    static_assert(std::is_same_v<decltype(weft::blocking([&]() -> int& { return number; })), int&>);
    EXPECT_EQ(&weft::blocking([&]() -> int& { return number; }), &number);
  });
}

TEST_P(blocking_everywhere, an_exception_passes_through) {
  here([&] { EXPECT_THROW(weft::blocking([] { throw std::runtime_error("inside"); }), std::runtime_error); });
}

TEST_P(blocking_everywhere, errno_of_the_call_survives) {
  here([&] {
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([] {
        for (int k = 0; k < 100; ++k) {
          set_errno(0);
          EXPECT_EQ(weft::blocking([] { return ::close(-1); }), -1);
          EXPECT_EQ(get_errno(), EBADF);
          weft::yield();
        }
      });
    }
  });
}

TEST_P(blocking_everywhere, others_run_while_every_processor_has_a_blocked_call) {
  here([&] {
    const int calls = 2 * weft::procs();
    std::counting_semaphore<> os_gate(0);
    std::atomic<int> entered{0};
    support::crew blocked;
    for (int i = 0; i < calls; ++i) {
      blocked.start([&] {
        weft::blocking([&] {
          ++entered;
          os_gate.acquire();
        });
      });
    }
    EXPECT_TRUE(support::eventually([&] { return entered == calls; }));
    support::on_goroutine([&] { os_gate.release(calls); });
  });
}

TEST_P(blocking_everywhere, runs_on_the_thread_that_called_it) {
  here([&] {
    weft::thread_pin pin;
    const auto outside = ::pthread_self();
    EXPECT_TRUE(weft::blocking([&] { return ::pthread_equal(::pthread_self(), outside) != 0; }));
  });
}

TEST_P(blocking_everywhere, may_use_weft_inside) {
  here([&] {
    weft::chan<int> ch;
    auto peers = crew();
    peers.start([&] { ch.send(5); });
    EXPECT_EQ(weft::blocking([&] { return ch.recv(); }), 5);
    EXPECT_EQ(weft::blocking([] { return weft::blocking([] { return 1; }); }), 1);
  });
}
