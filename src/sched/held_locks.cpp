#include "sched/held_locks.h"

namespace weft::sched {

constinit base::atomic<bool> notes_held_locks{false};

namespace {

struct held_list {
  held_lock locks[most_held_locks];
  unsigned count;
};
constinit thread_local held_list held{};

// Not inlined: a goroutine may have come to another thread since the caller last computed the address.
[[gnu::noinline]] held_list& mine() noexcept { return held; }

}  // namespace

void note_lock(const void* lock, const void* site) noexcept {
  held_list& list = mine();
  if (list.count < most_held_locks) list.locks[list.count++] = {lock, site};
}

void note_unlock(const void* lock) noexcept {
  held_list& list = mine();
  for (unsigned i = list.count; i-- > 0;) {
    if (list.locks[i].lock != lock) continue;
    for (; i + 1 < list.count; ++i) list.locks[i] = list.locks[i + 1];
    --list.count;
    return;
  }
}

unsigned take_held_locks(held_lock (&into)[most_held_locks]) noexcept {
  held_list& list = mine();
  const unsigned count = list.count;
  for (unsigned i = 0; i < count; ++i) into[i] = list.locks[i];
  list.count = 0;
  return count;
}

}  // namespace weft::sched
