// Reader-writer mutex: one word, two queues behind a spin lock.
//
// The word: bit 0 a writer holds it; bit 1 waiters: a queue is not empty, everybody takes the slow path; bits 2 to 27 count the
// readers that hold it; bits 28 to 63 are the sum of the pages of the stacks from which those who hold it locked it (numbers of
// pages: detail/stack_page.h), for reports of deadlocks. It tells who a writer is, and who a single reader is; of several
// it tells whether these are they. Ownership is handed over: unlock decides who goes next and gives it to them before
// they wake.
//
//   Y1  While a writer waits, new readers queue behind it. When a writer unlocks, all readers that wait go first, then one
//       writer: neither side starves.
//   Y2  waiters is set and cleared under queue_lock_; while it is set, the word is changed only under queue_lock_.
//   Y3  The last reader to leave while waiters is set hands the lock to the first writer.
//   Y4  As with mutex, X4: no unlock touches the word after the lock is free or handed over, but under queue_lock_, which
//       every later owner has taken.
//   Y5  The sum is for reports alone: a lock that is released from another page than it was taken from leaves it wrong, until
//       nobody holds the lock.
// Refused: a list of its readers (a store between two locked instructions on the path of every reader).
// Checked by tests/model/rw_mutex_model.cpp.
#include <weft/rw_mutex.h>

#include <weft/detail/stack_page.h>

#include "base/assert.h"
#include "base/race.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

namespace {

constexpr std::uint64_t waiting = 2;

// Writers come after everybody, readers after writers only: readers are in no order among themselves. One place each.
inline void write_begins(const void* writers, const void* readers) noexcept {
  base::race::acquire(writers);
  base::race::acquire(readers);
}
inline void write_ends(const void* writers) noexcept { base::race::release(writers); }
inline void read_begins(const void* writers) noexcept { base::race::acquire(writers); }
inline void read_ends(const void* readers) noexcept { base::race::release(readers); }

}  // namespace

// What a page adds to the word.
[[gnu::always_inline]] inline std::uint64_t rw_mutex::page_at(const void* address) noexcept {
  return detail::stack_page_of(address) / detail::stack_page_size << pages_shift;
}
// By the frame: lock and unlock, called by one function, see the same page.
[[gnu::always_inline]] inline std::uint64_t rw_mutex::page_here() noexcept { return page_at(__builtin_frame_address(0)); }

void rw_mutex::lock_in_turn() {
  if (sched::exploring()) [[unlikely]] return lock_at_point();
  std::uint64_t free = 0;
  if (state_.compare_exchange_strong(free, writer + page_here(), base::acquire, base::relaxed)) [[likely]]
    return write_begins(&state_, &readers_);
  lock_slow();
}

void rw_mutex::lock_at_point() {
  sched::point("rw_mutex lock");
  lock_slow();
}

bool rw_mutex::try_lock() noexcept {
  sched::point("rw_mutex try lock");
  std::uint64_t free = 0;
  if (!state_.compare_exchange_strong(free, writer + page_here(), base::acquire, base::relaxed)) return false;
  write_begins(&state_, &readers_);
  return true;
}

void rw_mutex::lock_slow() {
  sched::checkpoint();
  detail::waiter me;
  {
    base::locked hold(queue_lock_);
    std::uint64_t seen = state_.fetch_or(waiting, base::acquire);
    if ((seen & ~std::uint64_t{waiting}) == 0 && readers_.empty() && writers_.empty()) {
      state_.store(writer + page_here(), base::relaxed);  // free after all, and nobody can enter while waiting is set (Y2)
      return write_begins(&state_, &readers_);
    }
    me.who = sched::self();
    writers_.push_back(me);
  }
  sched::park(sched::wait_reason::rw_mutex_lock, this);
  write_begins(&state_, &readers_);
}

void rw_mutex::release() {
  if (sched::exploring()) [[unlikely]] return unlock_at_point();
  unlock_now();
}

void rw_mutex::unlock_at_point() {
  sched::point("rw_mutex unlock");
  unlock_now();
}

[[gnu::always_inline]] inline void rw_mutex::unlock_now() {
  write_ends(&state_);
  std::uint64_t held = writer + page_here();
  if (state_.compare_exchange_strong(held, 0, base::release, base::relaxed)) [[likely]] return;
  if (!(held & writer)) base::fatal("unlock of weft::rw_mutex at %p, which no writer holds", static_cast<void*>(this));
  unlock_slow(held);
}

void rw_mutex::unlock_slow(std::uint64_t seen) {
  detail::waiter* next = nullptr;
  while (true) {
    while (!(seen & waiting))  // locked from another page, or nobody waits after all (Y4)
      if (state_.compare_exchange_weak(seen, 0, base::release, base::relaxed)) return;
    {
      base::locked hold(queue_lock_);
      std::uint64_t owners = 0;
      detail::waiter** end = &next;
      while (detail::waiter* reader = readers_.pop()) {  // Y1
        reader->next = nullptr;
        *end = reader;
        end = &reader->next;
        owners += one_reader + page_at(reader);  // it lies on its owner's stack
      }
      if (!next && (next = writers_.pop())) {
        next->next = nullptr;
        owners = writer + page_at(next);
      }
      const std::uint64_t more = writers_.empty() ? 0u : waiting;
      if (next) state_.store(owners | more, base::release);
      else state_.store(seen &= ~waiting, base::relaxed);
    }
    if (next) return sched::ready_all(next);
  }
}

void rw_mutex::lock_shared_in_turn() {
  if (sched::exploring()) [[unlikely]] return lock_shared_at_point();
  if (!try_lock_shared_now()) [[unlikely]] lock_shared_slow();
}

void rw_mutex::lock_shared_at_point() {
  sched::point("rw_mutex lock shared");
  lock_shared_slow();
}

bool rw_mutex::try_lock_shared() noexcept {
  sched::point("rw_mutex try lock shared");
  return try_lock_shared_now();
}

[[gnu::always_inline]] inline bool rw_mutex::try_lock_shared_now() noexcept {
  std::uint64_t seen = state_.load(base::relaxed);
  while (!(seen & (writer | waiting)))
    if (state_.compare_exchange_weak(seen, seen + one_reader + page_here(), base::acquire, base::relaxed)) {
      read_begins(&state_);
      return true;
    }
  return false;
}

void rw_mutex::lock_shared_slow() {
  sched::checkpoint();
  detail::waiter me;
  {
    base::locked hold(queue_lock_);
    std::uint64_t seen = state_.fetch_or(waiting, base::acquire);
    if (!(seen & writer) && writers_.empty()) {
      state_.fetch_add(one_reader + page_here(), base::acquire);
      if (readers_.empty()) state_.fetch_and(~std::uint64_t{waiting}, base::relaxed);
      return read_begins(&state_);
    }
    me.who = sched::self();
    readers_.push_back(me);
  }
  sched::park(sched::wait_reason::rw_mutex_lock_shared, this);
  read_begins(&state_);
}

void rw_mutex::release_shared() {
  if (sched::exploring()) [[unlikely]] return unlock_shared_at_point();
  unlock_shared_now();
}

void rw_mutex::unlock_shared_at_point() {
  sched::point("rw_mutex unlock shared");
  unlock_shared_now();
}

// What is left when a reader goes. Nothing of the sum when it was the last.
[[gnu::always_inline]] inline std::uint64_t rw_mutex::without_reader(std::uint64_t seen, std::uint64_t page) noexcept {
  if ((seen & all_readers) == one_reader) return seen & waiting;
  return seen - one_reader - page;
}

[[gnu::always_inline]] inline void rw_mutex::unlock_shared_now() {
  read_ends(&readers_);
  const std::uint64_t page = page_here();
  std::uint64_t seen = state_.load(base::relaxed);
  while (true) {
    if (!(seen & all_readers)) base::fatal("unlock_shared of weft::rw_mutex at %p, which no reader holds", static_cast<void*>(this));
    if (!(seen & waiting)) {
      if (state_.compare_exchange_weak(seen, without_reader(seen, page), base::release, base::relaxed)) return;
      continue;
    }
    if (unlock_shared_slow(page)) return;
    seen = state_.load(base::relaxed);  // GCOVR_EXCL_LINE: as in unlock_slow()
  }
}

// False: nobody waits after all.
bool rw_mutex::unlock_shared_slow(std::uint64_t page) {
  detail::waiter* next = nullptr;
  {
    base::locked hold(queue_lock_);
    std::uint64_t left = state_.load(base::acquire);  // acquire: of readers that left before
    if (!(left & waiting)) return false;
    left = without_reader(left, page);
    if (!(left & all_readers) && (next = writers_.pop()))  // Y3
      left = writer + page_at(next) + (writers_.empty() && readers_.empty() ? 0u : waiting);
    state_.store(left, base::release);  // nobody else changes it: Y2
  }
  if (next) sched::ready(next->who);
  return true;
}

}  // namespace weft
