// The spin lock (weft/detail/spinlock.h): what it guards is touched by one thread at a time, whoever spins gets it, and
// try_lock says the truth. The guarded data is plain, so the checker reports any overlap as a data race.
#include <gtest/gtest.h>

#include "base/spinlock.h"
#include "engine/model.h"

namespace {

using weft::base::locked;
using weft::base::spinlock;

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};

void three_adders() {
  spinlock lock;
  int guarded = 0;
  auto add = [&] {
    locked hold(lock);
    ++guarded;
  };
  model::parallel({{"A", add}, {"B", add}, {"C", [&] { add(); }}});
  model::check(guarded == 3, "K1: an increment was lost");
}

void one_tries() {
  spinlock lock;
  int guarded = 0, wanted = 2;
  auto add = [&] {
    locked hold(lock);
    ++guarded;
  };
  model::parallel({{"A", add}, {"B", add}, {"C", [&] {
                      if (!lock.try_lock()) return;
                      ++guarded;
                      ++wanted;
                      lock.unlock();
                    }}});
  model::check(guarded == wanted, "K2: try_lock says the truth");
}

TEST(spinlock, one_at_a_time) { model::holds(everything, three_adders); }
TEST(spinlock, try_lock_holds_or_does_not) { model::holds(everything, one_tries); }

TEST(spinlock, mutant_lock_without_acquire_is_caught) {
  model::caught(model::weaken("weft/detail/spinlock.h", "if (held_.exchange(1, acquire) != 0) [[unlikely]]"), everything,
                three_adders);
}
TEST(spinlock, mutant_contended_lock_without_acquire_is_caught) {
  model::caught(model::weaken("base/spinlock.cpp", "} while (held_.exchange(1, acquire) != 0);"), everything, three_adders);
}
TEST(spinlock, mutant_try_lock_without_acquire_is_caught) {
  model::caught(model::weaken("weft/detail/spinlock.h", "if (held_.load(relaxed) != 0 || held_.exchange(1, acquire) != 0)"),
                everything, one_tries);
}
TEST(spinlock, mutant_unlock_without_release_is_caught) {
  model::caught(model::weaken("weft/detail/spinlock.h", "held_.store(0, release);"), everything, three_adders);
}

}  // namespace
