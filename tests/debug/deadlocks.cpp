// Who waits for whom: circles of mutexes among some goroutines, on demand and every second, and the report of a deadlock.
#include "debug/dump_of.h"
#include "support/child.h"
#include "support/eventually.h"

#include <gtest/gtest.h>

#include <pthread.h>

#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using support::run_child;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

// n goroutines, each with a mutex, each waiting for the next one's.
template <class Mutex>
struct ring {
  explicit ring(int size) : mutexes(static_cast<std::size_t>(size)) {
    for (int i = 0; i < size; ++i) {
      weft::go({.name = "in the ring"}, [this, i, size] {
        ids[i] = weft::goroutine_id();
        std::lock_guard mine(mutexes[static_cast<std::size_t>(i)]);
        ++holding;
        while (holding < size) weft::yield();
        takes_the_next(mutexes[static_cast<std::size_t>((i + 1) % size)]);
      });
    }
  }
  [[gnu::noinline]] static void takes_the_next(Mutex& next) {
    next.lock();
    asm volatile("" : : : "memory");
  }
  std::vector<Mutex> mutexes;
  std::atomic<int> holding{0};
  std::atomic<std::uint64_t> ids[8] = {};
};

template <class T>
class mutex_ring : public testing::Test {};
using kinds = testing::Types<weft::mutex, weft::rw_mutex>;
TYPED_TEST_SUITE(mutex_ring, kinds);

TYPED_TEST(mutex_ring, is_found_while_others_run) {
  static ring<TypeParam>& three = *new ring<TypeParam>(3);  // they stay as they are
  std::vector<weft::debug::deadlock> found;
  ASSERT_TRUE(support::eventually([&] { return !(found = weft::debug::deadlocks()).empty(); }));
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].goroutines.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint64_t id = found[0].goroutines[i], next = found[0].goroutines[(i + 1) % 3];
    EXPECT_THAT(found[0].report, ContainsRegex("goroutine " + std::to_string(id) + " waits for (rw_)?mutex 0x[0-9a-f]+, locked by goroutine " + std::to_string(next) + "\n"));
    for (int k = 0; k < 3; ++k) {
      if (three.ids[k] == id) { EXPECT_EQ(three.ids[(k + 1) % 3], next); }
    }
  }
  if (dumps::has_lines(dumps::dump())) { EXPECT_THAT(found[0].report, HasSubstr("takes_the_next(")); }
}

TEST(deadlocks, of_one_who_locks_twice) {
  static weft::mutex& m = *new weft::mutex;
  weft::go([] {
    m.lock();
    m.lock();
  });
  std::vector<weft::debug::deadlock> found;
  ASSERT_TRUE(support::eventually([&] { return !(found = weft::debug::deadlocks()).empty(); }));
  EXPECT_EQ(found[0].goroutines.size(), 1u);
  EXPECT_THAT(found[0].report, HasSubstr("deadlock of 1 goroutine:"));
}

// Waits until there are circles; the goroutines and threads in them stay as they are, so each test has its own process.
std::vector<weft::debug::deadlock> find_deadlocks() {
  std::vector<weft::debug::deadlock> found;
  EXPECT_TRUE(support::eventually([&] { return !(found = weft::debug::deadlocks()).empty(); }));
  return found;
}
std::string goroutine(std::uint64_t id) { return "goroutine " + std::to_string(id); }

// Each reads one table and wants to write the other.
TEST(deadlocks, of_readers_that_want_to_write) {
  static weft::rw_mutex tables[2];
  static std::atomic<int> reading{0};
  static std::atomic<std::uint64_t> ids[2];
  for (int i = 0; i < 2; ++i)
    weft::go([i] {
      ids[i] = weft::goroutine_id();
      std::shared_lock mine(tables[i]);
      for (++reading; reading < 2;) weft::yield();
      std::lock_guard other(tables[1 - i]);
    });
  const auto found = find_deadlocks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].goroutines, testing::UnorderedElementsAre(ids[0].load(), ids[1].load()));
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(found[0].report, ContainsRegex(goroutine(ids[i]) + " waits for rw_mutex 0x[0-9a-f]+, read-locked by " + goroutine(ids[1 - i]) + "\n"));
}

// Three readers, of whom one waits for what the writer holds. The others are no part of it.
TEST(deadlocks, of_a_writer_and_one_of_its_readers) {
  struct store {
    weft::rw_mutex table;
    weft::mutex log;
    weft::chan<int> never;
    std::atomic<int> reading{0};
    std::atomic<std::uint64_t> writer, logger;
  };
  static store& s = *new store;
  for (int i = 0; i < 3; ++i)
    weft::go([i] {
      std::shared_lock read(s.table);
      if (i == 0) s.logger = weft::goroutine_id();
      for (++s.reading; s.reading < 4;) weft::yield();
      if (i == 0) s.log.lock();
      else s.never.recv();
    });
  weft::go([] {
    s.writer = weft::goroutine_id();
    std::lock_guard log(s.log);
    while (s.reading < 3) weft::yield();
    ++s.reading;
    s.table.lock();
  });
  const auto found = find_deadlocks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].goroutines, testing::UnorderedElementsAre(s.writer.load(), s.logger.load()));
  EXPECT_THAT(found[0].report, ContainsRegex(goroutine(s.writer) + " waits for rw_mutex 0x[0-9a-f]+, read-locked by goroutines [0-9]+, [0-9]+, [0-9]+\n"));
}

TEST(deadlocks, of_who_reads_twice_with_a_writer_between) {
  static weft::rw_mutex table;
  static std::atomic<std::uint64_t> reader{0}, writer{0};
  weft::go([] {
    std::shared_lock once(table);
    reader = weft::goroutine_id();
    while (table.try_lock_shared()) table.unlock_shared(), weft::yield();  // until the writer waits
    std::shared_lock twice(table);
  });
  weft::go([] {
    while (reader == 0) weft::yield();
    writer = weft::goroutine_id();
    std::lock_guard write(table);
  });
  const auto found = find_deadlocks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].goroutines, testing::UnorderedElementsAre(reader.load(), writer.load()));
}

[[gnu::noinline]] void thread_wants(weft::mutex& m) {
  m.lock();
  asm volatile("" : : : "memory");
}
// A thread and a goroutine, each with what the other wants.
TEST(deadlocks, of_a_thread_and_a_goroutine) {
  static weft::mutex of_thread, of_goroutine;
  static std::atomic<int> holding{0};
  static std::atomic<std::uint64_t> id{0};
  static std::atomic<int> number{0};
  std::thread([] {
    pthread_setname_np(pthread_self(), "accountant");
    number = static_cast<int>(::gettid());
    std::lock_guard mine(of_thread);
    for (++holding; holding < 2;) std::this_thread::yield();
    thread_wants(of_goroutine);
  }).detach();
  weft::go([] {
    id = weft::goroutine_id();
    std::lock_guard mine(of_goroutine);
    for (++holding; holding < 2;) weft::yield();
    std::lock_guard other(of_thread);
  });
  const auto found = find_deadlocks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].goroutines, testing::ElementsAre(id.load()));
  EXPECT_THAT(found[0].threads, testing::ElementsAre(number.load()));
  const std::string thread = "thread " + std::to_string(number) + " \\(accountant\\)";
  EXPECT_THAT(found[0].report, ContainsRegex(goroutine(id) + " waits for mutex 0x[0-9a-f]+, locked by " + thread + "\n"));
  EXPECT_THAT(found[0].report, ContainsRegex(thread + " waits for mutex 0x[0-9a-f]+, locked by " + goroutine(id) + "\n"));
  EXPECT_THAT(found[0].report, ContainsRegex("\nthread " + std::to_string(number) + " \\[mutex lock, .*\\]: accountant\n"));
  if (dumps::has_lines(dumps::dump())) { EXPECT_THAT(found[0].report, HasSubstr("thread_wants(")); }
}

// Two readers, one of whom goes on: the lock is never called that of the other, and the writer gets in.
TEST(deadlocks, are_not_seen_in_writers_whose_readers_go_on) {
  weft::rw_mutex table;
  std::atomic<bool> stop{false};
  weft::wait_group busy;
  for (int i = 0; i < 6; ++i)
    busy.go([&, i] {
      while (!stop) {
        if (i < 2) {
          std::lock_guard write(table);
        } else {
          std::shared_lock read(table);
          weft::yield();
        }
      }
    });
  for (int i = 0; i < 20; ++i) EXPECT_THAT(weft::debug::deadlocks(), IsEmpty());
  stop = true;
  busy.wait();
}

// A circle that somebody else opens after 30 ms, by an unlock that no guard would do, is over before it is one. Should this
// machine be too slow for it, another time.
TEST(deadlocks, are_reported_only_if_they_last) {
  bool was_spared = false;
  for (int attempt = 0; attempt < 10 && !was_spared; ++attempt) {
    weft::mutex a, b;
    std::atomic<int> holding{0};
    std::atomic<bool> is_open{false};
    weft::wait_group all;
    all.go([&] {
      a.lock();
      for (++holding; holding < 2;) weft::yield();
      std::lock_guard other(b);
    });
    all.go([&] {
      std::lock_guard mine(b);
      for (++holding; holding < 2;) weft::yield();
      std::lock_guard other(a);
    });
    all.go([&] {
      while (holding < 2) weft::yield();
      weft::sleep(30ms);
      is_open = true;
      a.unlock();
    });
    was_spared = true;
    while (!is_open)
      if (!weft::debug::deadlocks().empty()) was_spared = false;
    all.wait();
  }
  EXPECT_TRUE(was_spared);
}

// Handed over, by the unlock that finds somebody starving, and locked at once: the holder is who has it in the end.
TEST(deadlocks, are_not_seen_in_those_who_only_wait) {
  weft::mutex a, b;
  std::atomic<bool> stop{false};
  weft::wait_group busy;
  for (int i = 0; i < 6; ++i)
    busy.go([&] {
      while (!stop) {
        std::scoped_lock both(a, b);
        weft::yield();
      }
    });
  for (int i = 0; i < 20; ++i) EXPECT_THAT(weft::debug::deadlocks(), IsEmpty());
  stop = true;
  busy.wait();
  // A chain is no circle.
  weft::wait_group chain;
  a.lock();
  chain.go([&] {
    std::scoped_lock first(b);
    std::lock_guard then(a);
  });
  chain.go([&] {
    while (b.try_lock()) b.unlock(), weft::yield();
    std::lock_guard hold(b);
  });
  // Until the waits are older than a circle's must be.
  for (const auto until = weft::clock::now() + 50ms; weft::clock::now() < until;) EXPECT_THAT(weft::debug::deadlocks(), IsEmpty());
  a.unlock();
  chain.wait();
}

WEFT_CHILD(has_a_ring_and_lives) {
  return weft::run([] {
    [[maybe_unused]] static auto& two = *new ring<weft::mutex>(2);  // they stay as they are
    weft::sleep(3500ms);  // two looks after the one that finds it
    return 0;
  });
}
TEST(periodic_look, reports_each_circle_once) {
  const auto child = run_child("has_a_ring_and_lives", {"WEFT_DEBUG=deadlock=1"});
  EXPECT_EQ(child.exit_status, 0) << child;
  const std::string line = "deadlock of 2 goroutines, each waiting for the next";
  const std::size_t first = child.err.find(line);
  ASSERT_NE(first, child.err.npos) << child;
  EXPECT_EQ(child.err.find(line, first + 1), child.err.npos) << child;
}
TEST(periodic_look, is_off_unless_asked_for) {
  EXPECT_THAT(run_child("has_a_ring_and_lives").err, IsEmpty());
}

WEFT_CHILD(deadlocks_in_many_ways) {
  return weft::run([] {
    [[maybe_unused]] static auto& two = *new ring<weft::mutex>(2);  // they stay as they are
    static weft::chan<int> ch, full(1);
    full.send(1);
    static weft::wait_group wg;
    static weft::semaphore units(3);
    static weft::rw_mutex table;
    weft::go([] { ch.recv(); });
    weft::go([] { ch.recv(); });
    weft::go([] { full.send(2); });
    weft::go([] { units.acquire(3), units.acquire(2); });
    weft::go([] { table.lock_shared(), table.lock(); });
    static std::atomic<bool> has_it{false};
    static weft::mutex m;
    std::thread([] {
      pthread_setname_np(pthread_self(), "accountant");
      m.lock();
      has_it = true;
      ch.recv();
    }).detach();
    while (!has_it) weft::yield();
    weft::go([] { m.lock(); });
    wg.add(7);
    wg.wait();
  });
}
TEST(deadlock_report, says_who_waits_for_what) {
  const auto child = run_child("deadlocks_in_many_ways", {"WEFT_DEBUG=deadlock=1"});
  EXPECT_EQ(child.exit_status, 2) << child;
  EXPECT_THAT(child.err, HasSubstr("all goroutines are asleep - deadlock!"));
  EXPECT_THAT(child.err, HasSubstr("deadlock of 2 goroutines, each waiting for the next:\n"));
  EXPECT_THAT(child.err, ContainsRegex("goroutine [0-9]+, goroutine [0-9]+, thread [0-9]+ \\(accountant\\) \\[chan receive\\]: channel 0x[0-9a-f]+ \\(unbuffered, 1 handle\\)\n"));
  EXPECT_THAT(child.err, ContainsRegex("\\[chan send\\]: channel 0x[0-9a-f]+ \\(1 of 1 used, 1 handle\\)\n"));
  EXPECT_THAT(child.err, ContainsRegex("goroutine 1 \\[wait_group wait\\]: wait_group 0x[0-9a-f]+, counter 7\n"));
  EXPECT_THAT(child.err, ContainsRegex("\\[semaphore acquire\\]: semaphore 0x[0-9a-f]+, 0 of 3 available\n"));
  EXPECT_THAT(child.err, ContainsRegex("\\[rw_mutex lock\\]: rw_mutex 0x[0-9a-f]+, read-locked by goroutine [0-9]+\n"));
  EXPECT_THAT(child.err, ContainsRegex("goroutine [0-9]+ \\[mutex lock\\]: mutex 0x[0-9a-f]+, locked by thread [0-9]+ \\(accountant\\)\n"));
  EXPECT_THAT(child.err, ContainsRegex("\nThreads that wait in weft:\n\nthread [0-9]+ \\[chan receive, .*\\]: accountant\n"));
}

}  // namespace
