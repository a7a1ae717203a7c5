// The mutex: sync/mutex.cpp, X1 to X5, with no spinning before the queue (chan_sync.cmake).
//
//   X1  One holder at a time, and what it wrote the next one sees (data races are errors); also when the lock is handed over
//       to one that starves.
//   X2  (X5) No lost wake-up: everybody who wants the lock gets it (the checker reports who sleeps for ever).
//   X3  In the end the word is 0 and the queue empty: no bit is left behind.
//   X4  The last owner may destroy the mutex: no unlock touches it after it has let go (use after free is an error).
#include <gtest/gtest.h>

#include <memory>
#include <mutex>

#include <weft/mutex.h>

#include "engine/model.h"
#include "sync/restartable.h"
#include "sleepers.h"

namespace {

void check_rest(weft::mutex& m) {
  model::check(m.try_lock(), "X3: the mutex is free in the end");
  m.unlock();
  sleepers::check_no_wake_is_left_over();
}

void two_threads() {
  weft::mutex m;
  int plain = 0;
  const auto twice = [&] {
    for (int i = 0; i < 2; ++i) {
      std::lock_guard hold(m);
      ++plain;
    }
  };
  model::parallel({{"one", twice}, {"two", twice}});
  model::check(plain == 4, "X1: nobody was in between");
  check_rest(m);
}

void three_threads() {
  weft::mutex m;
  int plain = 0;
  const auto once = [&] {
    std::lock_guard hold(m);
    ++plain;
  };
  model::parallel({{"one", once}, {"two", once}, {"three", once}});
  model::check(plain == 3, "X1: nobody was in between");
  check_rest(m);
}

void try_lock_beside_lock() {
  weft::mutex m;
  int plain = 0, taken = 0;
  model::parallel({{"lock", [&] {
                      std::lock_guard hold(m);
                      ++plain;
                    }},
                   {"tries", [&] {
                      if (!m.try_lock()) return;
                      ++plain, ++taken;
                      m.unlock();
                    }}});
  model::check(plain == 1 + taken, "X1: nobody was in between");
  check_rest(m);
}

// Stores are given up and allowed again meanwhile: sync/restartable.h, RS3.
void stores_come_and_go() {
  weft::mutex m;
  int plain = 0;
  const auto once = [&] {
    std::lock_guard hold(m);
    ++plain;
  };
  model::parallel({{"one", [&] { once(); once(); }}, {"two", once}, {"changes", [&] {
                      weft::give_up_stores();
                      weft::allow_stores();
                    }}});
  model::check(plain == 3, "X1: nobody was in between");
  check_rest(m);
}

// Who tries passes by the queue and its lock.
void try_lock_while_another_waits() {
  weft::mutex m;
  int plain = 0, taken = 0;
  const auto once = [&] {
    std::lock_guard hold(m);
    ++plain;
  };
  model::parallel({{"one", once}, {"two", once}, {"tries", [&] {
                      if (!m.try_lock()) return;
                      ++plain, ++taken;
                      m.unlock();
                    }}});
  model::check(plain == 2 + taken, "X1: nobody was in between");
  check_rest(m);
}

// The holder keeps it for longer than a waiter's patience, lets go and takes it again: whoever woke in vain is handed it.
void somebody_starves() {
  weft::mutex m;
  int plain = 0;
  model::parallel({{"greedy", [&] {
                      for (int i = 1; i <= 3; ++i) {
                        std::lock_guard hold(m);
                        ++plain;
                        model::set_now(2'000'000 * i);
                      }
                    }},
                   {"starves", [&] {
                      std::lock_guard hold(m);
                      ++plain;
                    }}});
  model::check(plain == 4, "X1: nobody was in between");
  check_rest(m);
}

void starving_beside_a_newcomer() {
  weft::mutex m;
  int plain = 0;
  const auto once = [&] {
    std::lock_guard hold(m);
    ++plain;
    model::set_now(model::now_ns() + 2'000'000);
  };
  model::parallel({{"greedy", [&] { once(); once(); }}, {"starves", once}, {"newcomer", once}});
  model::check(plain == 4, "X1: nobody was in between");
  check_rest(m);
}

// One has waited for too long and wakes in vain, just while the lock is given back to another who has not waited for long.
void somebody_starves_while_another_is_woken() {
  weft::mutex m;
  model::set_now(1);  // time 0 means "has not waited"
  weft::base::atomic<int> shared{0};
  const auto once = [&] { std::lock_guard hold(m); };
  model::parallel({{"greedy", [&] {
                      {
                        std::lock_guard hold(m);
                        shared.store(1, weft::base::relaxed);  // time passes after a point at which others may go first
                        model::set_now(2'000'000);
                      }
                      once();
                    }},
                   {"starves", [&] {
                      shared.load(weft::base::relaxed);
                      once();
                    }},
                   {"woken", once}});
  check_rest(m);
}

// Unlock finds another page of a stack in the word than it expects (detail/stack_page.h).
[[gnu::noinline]] void unlock_further_down(weft::mutex& m) {
  [[maybe_unused]] volatile char down[2 * weft::detail::stack_page_size];
  down[0] = 0;
  m.unlock();
  down[1] = 0;
}
void unlocked_from_another_page() {
  weft::mutex m;
  int plain = 0;
  const auto once = [&] {
    m.lock();
    ++plain;
    unlock_further_down(m);
  };
  model::parallel({{"one", once}, {"two", once}});
  model::check(plain == 2, "X1: nobody was in between");
  check_rest(m);
}

// A counted object with its mutex inside, the ordinary way.
void last_owner_destroys() {
  struct counted {
    weft::mutex m;
    int users = 2;
  };
  auto* shared = new counted;
  const auto drop = [&] {
    counted* mine = shared;
    mine->m.lock();
    const bool is_last = --mine->users == 0;
    mine->m.unlock();
    if (is_last) delete mine;
  };
  model::parallel({{"one", drop}, {"two", drop}});
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound bounded{.preemptions = 3, .stale_reads = 2};

TEST(mutex, two_threads_exclude_each_other) { model::holds(bounded, two_threads); }
TEST(mutex, three_threads_exclude_each_other_and_none_is_forgotten) {
  model::holds({.preemptions = 2, .stale_reads = 1}, three_threads);
}
TEST(mutex, try_lock_is_as_good_as_lock) { model::holds(everything, try_lock_beside_lock); }
TEST(mutex, stores_may_be_given_up_and_allowed) { model::holds({.preemptions = 3, .stale_reads = 1}, stores_come_and_go); }
TEST(mutex, try_lock_passes_by_the_queue) {
  model::holds({.preemptions = 2, .stale_reads = 1}, try_lock_while_another_waits);
}
TEST(mutex, it_is_handed_to_one_that_starves) { model::holds(bounded, somebody_starves); }
TEST(mutex, starving_and_newcomers_mix) { model::holds({.preemptions = 2, .stale_reads = 0}, starving_beside_a_newcomer); }
TEST(mutex, who_is_woken_takes_it_although_another_starves) {
  model::holds({.preemptions = 3, .stale_reads = 0}, somebody_starves_while_another_is_woken);
}
TEST(mutex, the_last_owner_may_destroy_it) { model::holds(everything, last_owner_destroys); }

TEST(mutex, it_may_be_unlocked_from_another_page) { model::holds(bounded, unlocked_from_another_page); }

TEST(mutex, mutant_unlock_without_release_is_caught) {
  model::caught(model::weaken("stand_ins/arch/restartable.h", "store_unless_interrupted(desired, base::release"), bounded, two_threads);
}
TEST(mutex, mutant_unlock_from_another_page_without_release_is_caught) {
  model::caught(model::weaken("sync/mutex.cpp", "state_.compare_exchange_weak(seen, free, base::release"), bounded, unlocked_from_another_page);
}
TEST(mutex, mutant_slow_unlock_without_release_is_caught) {
  model::caught(model::weaken("sync/mutex.cpp", "state_.fetch_and(careful | queue_bits, base::release)"),
                bounded, try_lock_while_another_waits);
}
TEST(mutex, mutant_lock_without_acquire_is_caught) {
  model::caught(model::weaken("weft/mutex.h", "compare_exchange_strong(free, locked_from_here(), base::acquire"), bounded,
                two_threads);
}

}  // namespace
