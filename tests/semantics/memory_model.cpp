// What the Go memory model calls "synchronized before", one promise per test.
//
// Each test passes a plain int whose only protection is the promise: a broken one is a wrong value here, and a data race
// under a race detector. The orders themselves are proven by tests/model.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

using namespace std::chrono_literals;

class happens_before : public support::everywhere {};
WEFT_EVERYWHERE(happens_before);

namespace {
constexpr int rounds = 100;
}

TEST_P(happens_before, the_go_statement_before_the_start_of_the_goroutine) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      int plain = i;
      weft::chan<void> ended;
      weft::go([&, i] {
        EXPECT_EQ(plain, i);
        ended.send();
      });
      ended.recv();
    }
  });
}

TEST_P(happens_before, a_send_before_the_completion_of_its_receive) {
  here([&] {
    weft::chan<void> ch(4), seen;
    int plain = 0;
    auto peers = crew();
    peers.start([&] {
      for (int i = 1; ch.recv(); ++i) {
        EXPECT_EQ(plain, i);
        seen.send();
      }
    });
    for (int i = 1; i <= rounds; ++i) {
      plain = i;
      ch.send();
      seen.recv();
    }
    ch.close();
  });
}

TEST_P(happens_before, a_receive_from_an_unbuffered_channel_before_the_completion_of_its_send) {
  here([&] {
    weft::chan<void> ch, again;
    int plain = 0;
    auto peers = crew();
    peers.start([&] {
      for (int i = 1; i <= rounds; ++i) {
        plain = i;  // before the receive
        ch.recv();
        again.recv();
      }
    });
    for (int i = 1; i <= rounds; ++i) {
      ch.send();
      EXPECT_EQ(plain, i);
      again.send();
    }
  });
}

// The k-th receive before the completion of the (k + capacity)-th send: a buffered channel counts as a semaphore.
TEST_P(happens_before, a_receive_before_the_completion_of_the_send_that_takes_its_place) {
  here([&] {
    weft::chan<int> permits(3);
    std::atomic<int> inside{0};
    std::vector<int> plain(3, 0);  // one per permit
    weft::chan<int> free_slots(3);
    for (int i = 0; i < 3; ++i) free_slots.send(i);
    auto peers = crew();
    for (int w = 0; w < 6; ++w) {
      peers.start([&] {
        for (int i = 0; i < rounds / 4; ++i) {
          permits.send(0);
          EXPECT_LE(++inside, 3);
          const auto slot = static_cast<std::size_t>(*free_slots.try_recv());
          ++plain[slot];
          free_slots.send(static_cast<int>(slot));
          --inside;
          permits.recv();
        }
      });
    }
    peers.join();
    EXPECT_EQ(plain[0] + plain[1] + plain[2], 6 * (rounds / 4));
  });
}

TEST_P(happens_before, a_close_before_a_receive_that_reports_it) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      weft::chan<int> ch;
      int plain = 0;
      auto peers = crew();
      peers.start([&] {
        plain = i;
        ch.close();
      });
      if (i % 2) EXPECT_FALSE(ch.recv());
      else while (!ch.closed()) weft::yield();
      EXPECT_EQ(plain, i);
    }
  });
}

TEST_P(happens_before, a_select_as_the_operation_it_performs) {
  here([&] {
    weft::chan<void> there, back, never;
    int plain = 0;
    auto peers = crew();
    peers.start([&] {
      for (int i = 0; i < rounds; ++i) {
        auto in = weft::on_recv(there);
        auto quiet = weft::on_recv(never);
        weft::select(quiet, in);
        EXPECT_EQ(plain, 2 * i + 1);
        ++plain;
        auto out = weft::on_send(back);
        weft::select(out, quiet);
      }
    });
    for (int i = 0; i < rounds; ++i) {
      ++plain;
      auto out = weft::on_send(there);
      auto quiet = weft::on_recv(never);
      weft::select(out, quiet);
      back.recv();
      EXPECT_EQ(plain, 2 * i + 2);
    }
  });
}

TEST_P(happens_before, an_unlock_before_every_later_lock) {
  here([&] {
    weft::mutex m;
    weft::rw_mutex rw;
    int plain = 0, plain_rw = 0;
    auto peers = crew();
    for (int w = 0; w < 4; ++w) {
      peers.start([&] {
        for (int i = 0; i < rounds; ++i) {
          {
            std::lock_guard hold(m);
            ++plain;
          }
          if (i % 4 == 0) {
            std::lock_guard writing(rw);
            ++plain_rw;
          } else {
            std::shared_lock reading(rw);
            EXPECT_GE(plain_rw, 0);
          }
        }
      });
    }
    peers.join();
    EXPECT_EQ(plain, 4 * rounds);
    EXPECT_EQ(plain_rw, rounds);
  });
}

TEST_P(happens_before, an_unlock_before_a_successful_try_lock) {
  here([&] {
    weft::mutex m;
    int plain = 0;
    auto peers = crew();
    for (int w = 0; w < 3; ++w) {
      peers.start([&] {
        for (int i = 0; i < rounds; ++i) {
          while (!m.try_lock()) weft::yield();
          ++plain;
          m.unlock();
        }
      });
    }
    peers.join();
    EXPECT_EQ(plain, 3 * rounds);
  });
}

TEST_P(happens_before, the_function_of_a_once_before_every_return_of_call) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      weft::once once;
      int plain = 0;
      auto peers = crew();
      const auto look = [&] {
        once.call([&] { plain = 7; });
        EXPECT_EQ(plain, 7);
      };
      peers.start(look);
      look();
    }
  });
}

TEST_P(happens_before, every_done_before_the_return_of_wait) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      weft::wait_group wg;
      int a = 0, b = 0;
      wg.add(2);
      auto peers = crew();
      peers.start([&] {
        a = i;
        wg.done();
      });
      peers.start([&] {
        b = i;
        wg.done();
      });
      wg.wait();
      EXPECT_EQ(a + b, 2 * i);
    }
  });
}

TEST_P(happens_before, a_notify_before_the_return_of_the_wait_it_ends) {
  here([&] {
    weft::mutex m;
    weft::cond c;
    int plain = 0;
    auto peers = crew();
    std::unique_lock hold(m);
    for (int i = 1; i <= rounds; ++i) {
      peers.start([&, i] {
        std::lock_guard theirs(m);
        plain = i;
        c.notify_one();
      });
      c.wait(hold);
      EXPECT_EQ(plain, i);
    }
    hold.unlock();
  });
}

TEST_P(happens_before, a_release_of_units_before_the_acquire_that_takes_them) {
  here([&] {
    weft::semaphore slots(1);
    int plain = 0;
    auto peers = crew();
    for (int w = 0; w < 4; ++w) {
      peers.start([&] {
        for (int i = 0; i < rounds; ++i) {
          slots.acquire();
          ++plain;
          slots.release();
        }
      });
    }
    peers.join();
    EXPECT_EQ(plain, 4 * rounds);
  });
}

TEST_P(happens_before, a_cancel_before_the_close_of_done_and_the_start_of_after_func) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      auto ctx = weft::with_cancel(weft::background());
      int plain = 0;
      weft::chan<int> told(1);
      auto registration = weft::after_func(ctx, [&] { told.send(plain); });
      auto peers = crew();
      peers.start([&] {
        plain = i;
        ctx.cancel();
      });
      ctx.done().recv();
      EXPECT_EQ(plain, i);
      EXPECT_EQ(told.recv(), i);
    }
  });
}

TEST_P(happens_before, the_start_of_a_timer_before_its_function) {
  here([&] {
    for (int i = 0; i < rounds; ++i) {
      int plain = i;
      weft::chan<int> told(1);
      auto t = weft::after_func(1us, [&] { told.send(plain); });
      EXPECT_EQ(told.recv(), i);
    }
  });
}
