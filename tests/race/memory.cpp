// Races about who may touch what: locks, flags, captures, buffers.
#include "race/planted.h"

#include "support/crew.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

// Experiment E17 of the laboratory: a plain counter, and a mutex.
PLANTED(missing_lock) {
  race::plain hits;
  weft::mutex m;
  support::crew crowd;
  for (int i = 0; i < 1000; ++i)
    crowd.start([&] {
      std::unique_lock hold(m, std::defer_lock);
      if (corrected) hold.lock();
      ++hits;
    });
}

PLANTED(two_different_locks) {
  race::plain hits;
  weft::mutex first, second;
  support::crew two;
  two.start([&] {
    std::lock_guard hold(first);
    ++hits;
  });
  two.start([&] {
    std::lock_guard hold(corrected ? first : second);
    ++hits;
  });
}

PLANTED(publication_without_channel) {
  race::plain text;
  std::atomic<bool> is_there{false};
  const auto store = corrected ? std::memory_order_release : std::memory_order_relaxed;
  const auto load = corrected ? std::memory_order_acquire : std::memory_order_relaxed;
  support::crew writer;
  writer.start([&] {
    text = 1;
    is_there.store(true, store);
  });
  while (!is_there.load(load)) weft::yield();
  race::want(text.value == 1);
}

PLANTED(captured_loop_variable) {
  std::atomic<int> sum{0};
  weft::wait_group wg;
  for (int i = 0; i < 10; ++i) {
    if (corrected) wg.go([&sum, i] { sum += i; });
    else wg.go([&sum, &i] { sum += i; });
  }
  wg.wait();
}

PLANTED(double_checked_flag) {
  struct {
    bool is_made = false;
    int value = 0;
  } table;
  weft::mutex m;
  weft::once made;
  const auto use = [&] {
    if (corrected) {
      made.call([&] { table.value = 1; });
    } else if (!table.is_made) {
      std::lock_guard hold(m);
      if (!table.is_made) {
        table.value = 1;
        table.is_made = true;
      }
    }
    race::want(table.value == 1);
  };
  support::crew two;
  for (int i = 0; i < 2; ++i) two.start(use);
}

PLANTED(unsynchronised_map) {
  std::map<int, int> squares;
  weft::rw_mutex m;
  support::crew two;
  for (int who = 0; who < 2; ++who)
    two.start([&, who] {
      for (int i = 0; i < 10; ++i) {
        std::unique_lock hold(m, std::defer_lock);
        if (corrected) hold.lock();
        squares[i * 2 + who] = i * i;
      }
    });
}

PLANTED(static_initialised_by_hand) {
  static int* table = nullptr;
  static weft::lazy<int> lazy_table([] { return 5; });
  const auto get = [&]() -> int& {
    if (corrected) return *lazy_table;
    if (!table) table = new int(5);
    return *table;
  };
  support::crew two;
  for (int i = 0; i < 2; ++i) two.start([&] { race::want(get() == 5); });
}

PLANTED(write_under_a_read_lock) {
  race::plain hits;
  weft::rw_mutex m;
  support::crew two;
  for (int i = 0; i < 2; ++i)
    two.start([&] {
      corrected ? m.lock() : m.lock_shared();
      ++hits;
      corrected ? m.unlock() : m.unlock_shared();
    });
}

PLANTED(semaphore_of_two_as_a_lock) {
  race::plain hits;
  std::atomic<int> inside{0};
  weft::semaphore slots(corrected ? 1 : 2);
  support::crew two;
  for (int i = 0; i < 2; ++i)
    two.start([&] {
      slots.acquire();
      ++hits;
      inside.fetch_add(1, std::memory_order_relaxed);
      while (!corrected && inside.load(std::memory_order_relaxed) < 2) weft::sleep(1ms);  // both are in at once
      slots.release();
    });
}

PLANTED(flag_set_without_the_lock_of_its_condition) {
  bool is_ready = false;
  weft::mutex m;
  weft::cond changed;
  support::crew setter;
  setter.start([&] {
    std::unique_lock hold(m, std::defer_lock);
    if (corrected) hold.lock();
    is_ready = true;
    changed.notify_one();
  });
  std::unique_lock hold(m);
  while (!is_ready) changed.wait_for(hold, 1ms);  // a notify may be lost: that is the other half of the mistake
}

PLANTED(context_value_changed_in_place) {
  struct key {
    using type = std::shared_ptr<int>;
  };
  weft::mutex m;
  const auto ctx = weft::with_value<key>(weft::background(), std::make_shared<int>(1));
  support::crew two;
  for (int i = 0; i < 2; ++i)
    two.start([&] {
      std::unique_lock hold(m, std::defer_lock);
      if (corrected) hold.lock();
      ++**ctx.value<key>();
    });
}

PLANTED(object_used_after_it_went_back_to_its_pool) {
  weft::pool<std::string> lines;
  std::atomic<bool> is_the_same{false};
  while (!is_the_same) {  // each processor keeps objects of its own: the other one gets ours if it runs where we ran
    std::string* kept = nullptr;
    {
      auto line = lines.get();
      kept = &*line;
      *line = "mine";
    }
    support::crew other;
    other.start([&] {
      auto line = lines.get();
      *line = "theirs";
      is_the_same.store(&*line == kept, std::memory_order_relaxed);
    });
    if (corrected) other.join();
    *kept = "still mine?";
    other.join();
  }
}

PLANTED(thread_and_goroutine) {
  race::plain hits;
  std::mutex m;
  const auto hit = [&] {
    std::unique_lock hold(m, std::defer_lock);
    if (corrected) hold.lock();
    ++hits;
  };
  support::crew thread(support::kind::plain_thread), goroutine;
  thread.start(hit);
  goroutine.start(hit);
}

PLANTED(blocking_call_writes) {
  race::plain answer;
  weft::mutex m;
  support::crew caller;
  caller.start([&] {
    weft::blocking([&] {
      std::unique_lock hold(m, std::defer_lock);
      if (corrected) hold.lock();
      answer = 42;
    });
  });
  std::unique_lock hold(m, std::defer_lock);
  if (corrected) hold.lock();
  answer = 1;
}

}  // namespace
