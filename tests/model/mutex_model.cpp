// The mutex: sync/mutex.cpp, X1 to X4, with no spinning before the queue (chan_sync.cmake).
//
//   X1  One holder at a time, and what it wrote the next one sees (data races are errors); also when the lock is handed over
//       to one that starves.
//   X2  No lost wake-up: everybody who wants the lock gets it (the checker reports who sleeps for ever).
//   X3  In the end the word is 0 and the queue empty: no bit is left behind.
//   X4  The last owner may destroy the mutex: no unlock touches it after it has let go (use after free is an error).
#include <gtest/gtest.h>

#include <memory>
#include <mutex>

#include <weft/mutex.h>

#include "engine/model.h"
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
TEST(mutex, it_is_handed_to_one_that_starves) { model::holds(bounded, somebody_starves); }
TEST(mutex, starving_and_newcomers_mix) { model::holds({.preemptions = 2, .stale_reads = 0}, starving_beside_a_newcomer); }
TEST(mutex, the_last_owner_may_destroy_it) { model::holds(everything, last_owner_destroys); }

TEST(mutex, mutant_unlock_without_release_is_caught) {
  model::caught(model::weaken("weft/mutex.h", "compare_exchange_strong(held, 0, base::release"), bounded, two_threads);
}
TEST(mutex, mutant_slow_unlock_without_release_is_caught) {
  model::caught(model::weaken("sync/mutex.cpp", "state_.fetch_and(~std::uint32_t{locked}, base::release)"),
                bounded, three_threads);
}
TEST(mutex, mutant_lock_without_acquire_is_caught) {
  model::caught(model::weaken("weft/mutex.h", "compare_exchange_strong(free, locked, base::acquire"), bounded,
                two_threads);
}

}  // namespace
