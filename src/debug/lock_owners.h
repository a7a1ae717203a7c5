// Who holds a mutex or rw_mutex, by the page of the stack from which it was locked (sync/mutex.h, rw_mutex.h).
//
// A mutex, and a rw_mutex that one writer or one reader holds, tell that page, and a page belongs to one stack. Of several
// readers the word has the sum of their pages. Readers that are parked mostly have the mutex's address on their stack, in a
// lock guard or an argument, near the page from which they locked it: so there are few candidates, and if there is exactly
// one set of them, as many as there are readers, whose pages make that sum, these are the readers.
//
//   LO1  The holder is who locked it. A lock that somebody else is to release names the wrong one: no lock guard does that.
//   LO2  A rw_mutex's sum is wrong if a lock was released from another page of the same stack than it was taken from, while
//        others held it. Such a page lies beside the right one, so what it names is doubted unless it lies in the part of a
//        parked stack that is in use; a reader who is named wrongly must be parked in a circle himself to be reported.
// Refused: a list of readers in the mutex (a store between two locked instructions in each reader's path).
#pragma once

#include <cstdint>
#include <vector>

#include "debug/waits.h"

namespace weft::debug {

struct lock_owners {
  bool is_there = false;        // its memory is
  bool is_write_locked = false;
  std::uint32_t readers = 0;
  bool by_goroutine_that_ended = false;
  std::vector<party> known;     // not all readers may be
};

// `parks`: all that are parked, for readers. REQUIRES: is_for_lock(w).
lock_owners owners_of(const wait& w, const std::vector<wait>& parks);

}  // namespace weft::debug
