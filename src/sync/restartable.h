// Giving a word back without a locked instruction.
//
// Who holds a lock may give it back by a store, were it not for those who note in the lock's word that they wait: a note
// between the look and the store is overwritten. store_if_still() is such a look and store, and restart_all() makes sure of
// the notes.
//
//   RS1  store_if_still() stores only what it would also have stored by a compare-and-swap at the moment of its look, or
//        of a later one: nothing of this thread's comes between look and store, but changes by other threads may.
//   RS2  When restart_all() returns, each store_if_still() whose look was before the call has stored, or looks again. So who
//        changes the word (by a locked instruction), calls restart_all(), and then finds the change still there, knows that
//        nobody overwrites it any more who has not seen it.
//
//   RS3  Where restarts are frequent (many young locks, each of which somebody waits for), stores are given up for rest_ns:
//        store_if_still() is false, and restart_all() does nothing. It is `stores_allowed` that each store asks within its
//        sequence: forbidden first, then all are restarted, and then nobody needs to be restarted any more. The other way
//        round who changes a word begins to restart the others before the first store is allowed.
//
// The look and the store are a restartable sequence (arch/restartable.h); a restart is membarrier(PRIVATE_EXPEDITED_RSEQ),
// which interrupts all threads of the process that run (Linux 5.10): 360 ns alone, more when others run. A locked
// instruction that gives a word back is 2 to 6 ns, the store with all that belongs to it less than one.
// Where the kernel, glibc or the CPU do not know of this, store_if_still() is always false: compare and swap then. Under
// ThreadSanitizer as well, which would not see the store.
// Checked by tests/model/mutex_model.cpp; its stand-in lets other threads in between look and store.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/restartable.h"
#include "base/atomic.h"
#include "os/restartable.h"

namespace weft {

// Not 0: stores are allowed. Changed by allow_stores() and give_up_stores() alone: RS3.
[[gnu::visibility("hidden")]] extern base::atomic<std::uint32_t> stores_allowed;

// word = desired, with release order, if it is still `expected`. False: it is not, or that is not to be had here and now.
[[gnu::always_inline]] inline bool store_if_still(base::atomic<std::uintptr_t>& word, std::uintptr_t expected,
                                                  std::uintptr_t desired) noexcept {
  const std::ptrdiff_t area = os::rseq_area.load(base::relaxed);
  return area != 0 && arch::compare_and_store(word, expected, desired, area, stores_allowed);
}

void restart_all() noexcept;

void allow_stores() noexcept;
void give_up_stores() noexcept;

}  // namespace weft
