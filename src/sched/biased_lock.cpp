#include "sched/biased_lock.h"

#include <algorithm>

#include "base/pause.h"
#include "sched/schedule.h"

namespace weft::sched {

namespace {

bool names(const worker& owner, const void* lock) noexcept {
  for (const auto& slot : owner.holds)
    if (slot.load(base::acquire) == lock) return true;  // acquire: what the owner did under the lock
  return false;
}

}  // namespace

std::uintptr_t biased_lock::bias_now(worker& w) noexcept {
  streak_ = 0;
  return os::has_membarrier ? bias_to(&w) : 0;
}

// B3. True: the caller holds the lock.
bool biased_lock::take_bias(worker* w, std::uintptr_t seen) noexcept {
  if (!word_.compare_exchange_strong(seen, held, base::acquire, base::relaxed)) return false;
  auto* owner = reinterpret_cast<worker*>(seen - biased_bit);
  if (owner != w) {
    os::heavy_fence();  // pairs with the light fence of lock_by_bias()
    base::backoff spin;
    while (names(*owner, this)) spin.wait();
  }
  wanted_ = std::min(8 * wanted_, most_wanted);
  last_ = w;
  streak_ = 0;
  return true;
}

void biased_lock::lock_contended(worker* w) noexcept {
  base::backoff spin;
  for (bool is_first = true;; is_first = false) {
    std::uintptr_t seen = word_.load(base::relaxed);
    if (seen == 0) {
      if (word_.compare_exchange_strong(seen, held, base::acquire, base::relaxed)) return;
    } else if (seen == held) {
      if (is_first) note_contention();
      spin.wait();
    } else if (take_bias(w, seen)) {
      return;
    }
  }
}

}  // namespace weft::sched
