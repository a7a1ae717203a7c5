#include "base/spinlock.h"

#include <sched.h>
#include <time.h>

#include "base/assert.h"

namespace weft::base {

void backoff::give_way() noexcept {
  if (rounds_ < 256) {
    ::sched_yield();
  } else {
    timespec nap{0, 20'000};
    ::nanosleep(&nap, nullptr);
  }
}

void spinlock::lock_contended() noexcept {
  backoff spin;
  do {
    while (held_.load(relaxed) != 0) spin.wait();
  } while (held_.exchange(1, acquire) != 0);
}

#ifdef WEFT_LOCK_CHECKS
namespace {
// Locks held by this thread, counted by rank. Read only inside these functions, which never park.
thread_local std::uint8_t held_count[static_cast<int>(lock_rank::leaf) + 1];
}  // namespace

[[gnu::noinline]] void note_locked(lock_rank rank) noexcept {
  for (int later = static_cast<int>(rank) + 1; later <= static_cast<int>(lock_rank::leaf); ++later)
    weft_assert(held_count[later] == 0, "runtime locks taken out of order");
  ++held_count[static_cast<int>(rank)];
}

[[gnu::noinline]] void note_unlocked(lock_rank rank) noexcept {
  weft_assert(held_count[static_cast<int>(rank)] != 0, "runtime lock released by a thread that does not hold it");
  --held_count[static_cast<int>(rank)];
}
#endif

}  // namespace weft::base
