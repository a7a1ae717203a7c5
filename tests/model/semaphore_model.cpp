// The semaphore: sync/semaphore.cpp and its waiters.
//
//   SE1  Never more units are out than there are; what was done with them before is seen by whoever gets them next (data
//        races are errors).
//   SE2  Every request that fits is served once units are back (the checker reports who sleeps for ever), and a try says
//        whether it holds units.
//   SE3  First come, first served: a request that waits for much is not overtaken by one for little.
#include <gtest/gtest.h>

#include <weft/semaphore.h>

#include "engine/model.h"
#include "sleepers.h"

namespace {

using weft::semaphore;

void check_rest(semaphore& units, std::int64_t all) {
  model::check(units.try_acquire(all), "SE1: all units are back");
  units.release(all);
  sleepers::check_no_wake_is_left_over();
}

void one_unit_is_a_lock() {
  semaphore units(1);
  int plain = 0;
  const auto use = [&] {
    units.acquire();
    ++plain;
    units.release();
  };
  model::parallel({{"one", use}, {"two", use}, {"three", use}});
  model::check(plain == 3, "SE1: nobody was in between");
  check_rest(units, 1);
}

void one_and_two_of_two() {
  semaphore units(2);
  int plain = 0;
  model::parallel({{"two", [&] {
                      units.acquire(2);
                      ++plain;
                      units.release(2);
                    }},
                   {"one", [&] {
                      units.acquire(1);
                      units.release(1);
                    }},
                   {"tries", [&] {
                      if (!units.try_acquire(2)) return;
                      ++plain;
                      units.release(2);
                    }}});
  check_rest(units, 2);
}

// One unit is out. From the moment the request for two waits, no request for one gets past it.
void no_overtaking() {
  semaphore units(2);
  units.acquire(1);
  bool much_was_served = false, little_was_first = false;
  model::parallel({{"much", [&] {
                      units.acquire(2);
                      much_was_served = true;
                      units.release(2);
                    }},
                   {"little", [&] {
                      if (units.try_acquire(1)) {
                        units.release(1);  // came before
                        return;
                      }
                      units.acquire(1);
                      little_was_first = !much_was_served;
                      units.release(1);
                    }},
                   {"holder", [&] { units.release(1); }}});
  model::check(!little_was_first, "SE3: a request that came later was served first");
  check_rest(units, 2);
}

constexpr model::bound bounded{.preemptions = 2, .stale_reads = 1};

TEST(semaphore, one_unit_excludes_like_a_lock) { model::holds(bounded, one_unit_is_a_lock); }
TEST(semaphore, requests_of_different_size_are_all_served) { model::holds(bounded, one_and_two_of_two); }
TEST(semaphore, a_large_request_is_not_overtaken) { model::holds(bounded, no_overtaking); }

TEST(semaphore, mutant_lock_released_without_release_is_caught) {
  model::caught(model::weaken("weft/detail/spinlock.h", "held_.store(0, release)"), bounded, one_unit_is_a_lock);
}

}  // namespace
