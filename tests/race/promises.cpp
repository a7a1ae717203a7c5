// What the primitives promise, each used with plain memory: a report here is an order that the detector was not told.
#include "race/planted.h"

#include "support/crew.h"
#include "support/eventually.h"

#include <weft/net.h>
#include <weft/os.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using text = std::unique_ptr<std::string>;

text make(int n) { return std::make_unique<std::string>(static_cast<std::size_t>(n % 50 + 20), 'x'); }

ORDERED(values_through_channels_of_every_size) {
  for (std::size_t room : {0u, 1u, 7u}) {
    weft::chan<text> ch(room);
    support::crew peers;
    for (int p = 0; p < 4; ++p)
      peers.start([&] {
        for (int i = 0; i < 100; ++i) ch.send(make(i));
      });
    for (int p = 0; p < 4; ++p)
      peers.start([&] {
        for (int i = 0; i < 100; ++i) (*ch.recv())->push_back('y');
      });
  }
}

ORDERED(values_through_selects) {
  weft::chan<text> a, b(2);
  support::crew peers;
  for (int p = 0; p < 4; ++p)
    peers.start([&] {
      for (int i = 0; i < 100; ++i) {
        auto to_a = weft::on_send(a, make(i));
        auto to_b = weft::on_send(b, make(i));
        weft::select(to_a, to_b);
      }
    });
  for (int p = 0; p < 4; ++p)
    peers.start([&] {
      for (int i = 0; i < 100; ++i) {
        auto from_a = weft::on_recv(a);
        auto from_b = weft::on_recv(b);
        auto never = weft::on_timeout(1h);
        weft::select(from_a, from_b, never);
        (from_a ? *from_a.take() : *from_b.take())->push_back('y');
      }
    });
}

// A channel with room for n as a semaphore, and one for 1 as a lock: the receive comes before the n-th send after it.
ORDERED(channel_as_a_lock) {
  for (bool is_void : {false, true}) {
    weft::chan<int> lock(1);
    weft::chan<void> void_lock(1);
    int hits = 0;
    support::crew crowd;
    for (int p = 0; p < 8; ++p)
      crowd.start([&] {
        for (int i = 0; i < 50; ++i) {
          if (is_void) void_lock.send();
          else lock.send(1);
          ++hits;
          if (is_void) void_lock.recv();
          else lock.recv();
        }
      });
    crowd.join();
    race::want(hits == 400);
  }
}

ORDERED(an_unbuffered_receive_comes_before_the_end_of_the_send) {
  weft::chan<void> ch;
  int written = 0;
  support::crew receiver;
  receiver.start([&] {
    written = 1;
    ch.recv();
  });
  ch.send();
  race::want(written == 1);
}

ORDERED(close_comes_before_what_finds_it) {
  weft::chan<int> ch;
  int written = 0;
  support::crew readers;
  for (int i = 0; i < 3; ++i)
    readers.start([&, i] {
      if (i == 0) ch.recv();
      if (i == 1) while (!ch.closed()) weft::yield();
      if (i == 2) {
        auto closed = weft::on_recv(ch);
        weft::select(closed);
      }
      race::want(written == 1);
    });
  support::let_others_run();
  written = 1;
  ch.close();
}

ORDERED(locks_of_every_kind) {
  weft::mutex m;
  weft::rw_mutex rw;
  weft::semaphore one(1);
  weft::cond changed;
  int by_mutex = 0, by_rw = 0, by_semaphore = 0, turn = 0;
  support::crew crowd;
  for (int p = 0; p < 6; ++p)
    crowd.start([&, p] {
      for (int i = 0; i < 100; ++i) {
        if (std::unique_lock hold(m, std::try_to_lock); hold) ++by_mutex;
        {
          std::lock_guard hold(m);
          ++by_mutex;
          if (i % 10 == 0) weft::yield();
        }
        if (p == 0) {
          std::unique_lock hold(rw);
          ++by_rw;
        } else {
          std::shared_lock hold(rw);
          race::want(by_rw >= 0);
          if (i % 10 == 0) weft::yield();
        }
        one.acquire();
        ++by_semaphore;
        if (i % 10 == 0) weft::yield();
        one.release();
      }
      std::unique_lock hold(m);
      changed.wait(hold, [&] { return turn == p; });
      ++turn;
      changed.notify_all();
    });
}

ORDERED(everything_before_go_and_before_done) {
  std::vector<int> cells(100);
  weft::wait_group wg;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = 1;
    wg.go([&, i] { cells[i] += 1; });
  }
  wg.wait();
  race::want(std::accumulate(cells.begin(), cells.end(), 0) == 200);
}

ORDERED(run_comes_back_after_its_main) {
  int written = 0;
  weft::run([&] { written = 1; });
  race::want(written == 1);
}

ORDERED(timers_come_after_whoever_set_them) {
  int before = 1;
  weft::chan<int> back(3);
  const auto callback = weft::after_func(1ms, [&] { back.send(before); });
  weft::timer once(1ms);
  weft::ticker beat(1ms);
  support::crew readers;
  readers.start([&, ticks = once.channel()] {
    ticks.recv();
    back.send(before);
  });
  readers.start([&, ticks = beat.channel()] {
    ticks.recv();
    back.send(before);
  });
  for (int i = 0; i < 3; ++i) race::want(back.recv() == 1);
  before = 2;
  support::crew waiter;
  weft::timer again(1h);
  waiter.start([&, ticks = again.channel()] {
    ticks.recv();
    race::want(before == 3);
  });
  before = 3;
  again.reset(1ms);
  waiter.join();
}

ORDERED(cancellation_comes_before_everybody_who_sees_it) {
  int before = 0;
  auto ctx = weft::with_cancel(weft::background());
  auto below = weft::with_cancel(ctx);
  weft::chan<void> called(2);
  const auto callback = weft::after_func(below, [&] {
    race::want(before == 1);
    called.send();
  });
  support::crew watchers;
  watchers.start([&] {
    below.done().recv();
    race::want(before == 1);
  });
  watchers.start([&] {
    while (!below.cancelled()) weft::yield();
    race::want(before == 1);
    race::want(static_cast<bool>(below.err()));
  });
  int seen = 0;
  const std::stop_callback on_stop(below.stop_token(), [&] { seen = before; });
  support::let_others_run();
  support::crew canceller;
  before = 1;
  canceller.start([&] { ctx.cancel(); });
  canceller.join();
  called.recv();
  race::want(seen == 1);
}

// The channel and the token are made by who asks first, which may be after the end.
ORDERED(cancellation_comes_before_who_asks_late) {
  for (bool by_token : {false, true}) {
    int before = 0;
    auto ctx = weft::with_cancel(weft::background());
    std::atomic<bool> is_over{false};
    support::crew canceller;
    canceller.start([&] {
      before = 1;
      ctx.cancel();
      is_over.store(true, std::memory_order_relaxed);  // orders nothing
    });
    while (!is_over.load(std::memory_order_relaxed)) weft::yield();
    if (by_token) race::want(ctx.stop_token().stop_requested());
    else ctx.done().recv();
    race::want(before == 1);
  }
}

ORDERED(once_pool_and_tasks) {
  weft::lazy<std::string> table([] { return std::string(100, 'x'); });
  weft::pool<std::string> lines;
  weft::task_group tasks(weft::background(), {.limit = 3});
  for (int i = 0; i < 50; ++i)
    tasks.go([&] {
      auto line = lines.get();
      line->append(*table, 0, 5);
      if (line->size() > 100) line->clear();
    });
  race::want(static_cast<bool>(tasks.wait()));
}

// As in Go: what is read comes after everything before the write, and nobody else needs an order of his own.
ORDERED(connections) {
  auto listener = *weft::net::listen_tcp("127.0.0.1:0");
  weft::wait_group wg;
  for (int i = 0; i < 8; ++i) {  // the first of them makes the poller
    int said = 0;
    wg.go([&] {
      auto conn = *weft::net::dial_tcp(listener.local().to_string());
      wg.go([&said, conn = *listener.accept()]() mutable {
        said = 1;
        race::want(static_cast<bool>(conn.write("x")));
      });
      char byte;
      race::want(conn.read(std::span(&byte, 1)) == 1u);
      race::want(said == 1);
    });
    wg.wait();
  }
}

ORDERED(descriptors_closed_while_others_use_them) {
  for (int i = 0; i < 20; ++i) {
    auto ends = *weft::os::open_pipe();
    support::crew readers;
    for (int k = 0; k < 2; ++k)
      readers.start([&] {
        char byte;
        race::want(!ends.reader.read(std::span(&byte, 1)));
      });
    readers.start([&] { ends.reader.close(); });
  }
}

// Not inlined: the compiler may keep the address of errno across a call that parks.
[[gnu::noinline]] void overflow_a_number() {
  errno = 0;
  race::want(std::strtol("99999999999999999999", nullptr, 10) != 0 && errno == ERANGE);
}
ORDERED(errno_is_everybodys_own) {
  support::crew peers;
  for (int i = 0; i < 8; ++i)
    peers.start([] {
      for (int k = 0; k < 20; ++k) {
        overflow_a_number();
        weft::yield();
      }
    });
}

// Ten thousand owners of a few stacks, which all write to the same places of them.
ORDERED(recycled_stacks_belong_to_one_goroutine) {
  weft::wait_group wg;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 100; ++i)
      wg.go([] {
        volatile char page[4096];
        for (std::size_t k = 0; k < sizeof page; k += 64) page[k] = 1;
        weft::yield();
        for (std::size_t k = 0; k < sizeof page; k += 64) page[k] = 2;
      });
    wg.wait();
  }
}

}  // namespace
