// Reader-writer mutex: one word, two queues behind a spin lock.
//
// The word: bit 0 a writer holds it; bit 1 waiters: a queue is not empty, everybody takes the slow path; the rest counts
// the readers that hold it. Ownership is handed over: unlock decides who goes next and gives it to them before they wake.
//
//   Y1  While a writer waits, new readers queue behind it. When a writer unlocks, all readers that wait go first, then one
//       writer: neither side starves.
//   Y2  waiters is set and cleared under queue_lock_; while it is set, the word is changed only under queue_lock_.
//   Y3  The last reader to leave while waiters is set hands the lock to the first writer.
//   Y4  As with mutex, X4: no unlock touches the word after the lock is free or handed over, but under queue_lock_, which
//       every later owner has taken.
// Checked by tests/model/rw_mutex_model.cpp.
#include <weft/rw_mutex.h>

#include "base/assert.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

namespace {

enum : std::uint32_t { writer = 1, waiting = 2, one_reader = 4 };

}  // namespace

void rw_mutex::lock() {
  if (sched::exploring()) [[unlikely]] return lock_at_point();
  std::uint32_t free = 0;
  if (state_.compare_exchange_strong(free, writer, base::acquire, base::relaxed)) [[likely]] return;
  lock_slow();
}

void rw_mutex::lock_at_point() {
  sched::point("rw_mutex lock");
  lock_slow();
}

bool rw_mutex::try_lock() noexcept {
  sched::point("rw_mutex try lock");
  std::uint32_t free = 0;
  return state_.compare_exchange_strong(free, writer, base::acquire, base::relaxed);
}

void rw_mutex::lock_slow() {
  sched::checkpoint();
  detail::waiter me;
  {
    base::locked hold(queue_lock_);
    std::uint32_t seen = state_.fetch_or(waiting, base::acquire);
    if ((seen & ~std::uint32_t{waiting}) == 0 && readers_.empty() && writers_.empty()) {
      state_.store(writer, base::relaxed);  // free after all, and nobody can enter while waiting is set (Y2)
      return;
    }
    me.who = sched::self();
    writers_.push_back(me);
  }
  sched::park(sched::wait_reason::rw_mutex_lock, this);
}

void rw_mutex::unlock() {
  if (sched::exploring()) [[unlikely]] return unlock_at_point();
  unlock_now();
}

void rw_mutex::unlock_at_point() {
  sched::point("rw_mutex unlock");
  unlock_now();
}

[[gnu::always_inline]] inline void rw_mutex::unlock_now() {
  std::uint32_t held = writer;
  if (state_.compare_exchange_strong(held, 0, base::release, base::relaxed)) [[likely]] return;
  if (!(held & writer)) base::fatal("unlock of weft::rw_mutex at %p, which no writer holds", static_cast<void*>(this));
  unlock_slow();
}

void rw_mutex::unlock_slow() {
  detail::waiter* next = nullptr;
  while (true) {
    {
      base::locked hold(queue_lock_);
      std::uint32_t readers = 0;
      detail::waiter** end = &next;
      while (detail::waiter* reader = readers_.pop()) {  // Y1
        reader->next = nullptr;
        *end = reader;
        end = &reader->next;
        readers += one_reader;
      }
      if (!next && (next = writers_.pop())) {
        next->next = nullptr;
        readers = writer;
      }
      const std::uint32_t more = writers_.empty() ? 0u : waiting;
      if (next) state_.store(readers | more, base::release);
      else state_.store(writer, base::relaxed);
    }
    if (next) return sched::ready_all(next);
    // GCOVR_EXCL_START: nobody waits after all; a race that tests/model/rw_mutex_model.cpp brings about
    std::uint32_t alone = writer;  // Y4
    if (state_.compare_exchange_strong(alone, 0, base::release, base::relaxed)) return;
    // GCOVR_EXCL_STOP
  }
}

void rw_mutex::lock_shared() {
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

bool rw_mutex::try_lock_shared_now() noexcept {
  std::uint32_t seen = state_.load(base::relaxed);
  while (!(seen & (writer | waiting)))
    if (state_.compare_exchange_weak(seen, seen + one_reader, base::acquire, base::relaxed)) return true;
  return false;
}

void rw_mutex::lock_shared_slow() {
  sched::checkpoint();
  detail::waiter me;
  {
    base::locked hold(queue_lock_);
    std::uint32_t seen = state_.fetch_or(waiting, base::acquire);
    if (!(seen & writer) && writers_.empty()) {
      state_.fetch_add(one_reader, base::acquire);
      if (readers_.empty()) state_.fetch_and(~std::uint32_t{waiting}, base::relaxed);
      return;
    }
    me.who = sched::self();
    readers_.push_back(me);
  }
  sched::park(sched::wait_reason::rw_mutex_lock_shared, this);
}

void rw_mutex::unlock_shared() {
  if (sched::exploring()) [[unlikely]] return unlock_shared_at_point();
  unlock_shared_now();
}

void rw_mutex::unlock_shared_at_point() {
  sched::point("rw_mutex unlock shared");
  unlock_shared_now();
}

[[gnu::always_inline]] inline void rw_mutex::unlock_shared_now() {
  std::uint32_t seen = state_.load(base::relaxed);
  while (true) {
    if (seen < one_reader) base::fatal("unlock_shared of weft::rw_mutex at %p, which no reader holds", static_cast<void*>(this));
    if (!(seen & waiting)) {
      if (state_.compare_exchange_weak(seen, seen - one_reader, base::release, base::relaxed)) return;
      continue;
    }
    if (unlock_shared_slow()) return;
    seen = state_.load(base::relaxed);  // GCOVR_EXCL_LINE: as in unlock_slow()
  }
}

// False: nobody waits after all.
bool rw_mutex::unlock_shared_slow() {
  detail::waiter* next = nullptr;
  {
    base::locked hold(queue_lock_);
    if (!(state_.load(base::relaxed) & waiting)) return false;
    const std::uint32_t left = state_.fetch_sub(one_reader, base::acq_rel) - one_reader;
    if (left == waiting && (next = writers_.pop()))  // Y3
      state_.store(writer | (writers_.empty() && readers_.empty() ? 0u : waiting), base::relaxed);
  }
  if (next) sched::ready(next->who);
  return true;
}

}  // namespace weft
