// Lost wake: a waker that arrives between the sleeper's last look and its park must still wake it. A lost one shows as
// a deadlock report or a hang.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <mutex>
#include <vector>

class lost_wake : public support::everywhere {};
WEFT_EVERYWHERE(lost_wake);

TEST_P(lost_wake, token_ring_through_unbuffered_channels) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    constexpr std::size_t stations = 5;
    std::vector<weft::chan<int>> ring(stations);
    auto peers = crew();
    for (std::size_t i = 0; i + 1 < stations; ++i) {
      peers.start([&, i] {
        for (int v : ring[i]) ring[i + 1].send(v + 1);
        ring[i + 1].close();
      });
    }
    while (run.more()) {
      for (int k = 0; k < 50; ++k) {
        ring.front().send(0);
        ASSERT_EQ(ring.back().recv(), static_cast<int>(stations) - 1);
      }
    }
    ring.front().close();
  });
}

TEST_P(lost_wake, alternation_by_mutex_and_cond) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::mutex m;
    weft::cond changed;
    bool mine = true, stop = false;
    auto peers = crew();
    peers.start([&] {
      std::unique_lock hold(m);
      for (;;) {
        changed.wait(hold, [&] { return !mine || stop; });
        if (stop) return;
        mine = true;
        changed.notify_one();
      }
    });
    while (run.more()) {
      std::unique_lock hold(m);
      for (int k = 0; k < 50; ++k) {
        mine = false;
        changed.notify_one();
        changed.wait(hold, [&] { return mine; });
      }
    }
    std::lock_guard hold(m);
    stop = true;
    changed.notify_one();
  });
}

TEST_P(lost_wake, wait_group_whose_last_done_races_with_wait) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<weft::wait_group*> jobs(1);
    auto peers = crew();
    for (int i = 0; i < 3; ++i) {
      peers.start([&] {
        for (auto* wg : jobs) wg->done();
      });
    }
    while (run.more()) {
      for (int k = 0; k < 50; ++k) {
        weft::wait_group wg;  // destroyed as soon as wait returns: done must not touch it afterwards
        wg.add(3);
        for (int i = 0; i < 3; ++i) jobs.send(&wg);
        wg.wait();
      }
    }
    jobs.close();
  });
}

TEST_P(lost_wake, semaphore_handed_around) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::semaphore slots(3);
    std::atomic<bool> stop{false};
    auto peers = crew();
    for (int i = 0; i < 4; ++i) {
      peers.start([&, i] {
        while (!stop) {
          slots.acquire(1 + i % 3);
          slots.release(1 + i % 3);
        }
      });
    }
    while (run.more()) {
      slots.acquire(3);
      slots.release(3);
    }
    stop = true;
  });
}
