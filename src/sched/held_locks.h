// Which locks of the C library the calling thread holds, for WEFT_DEBUG=heldlocks=1: a goroutine that parks with one keeps it
// while others run on its thread, and whoever wants it next blocks that thread, or, as the owner of a recursive one, gets
// in. Noted by weft::hook, which stands in front of the C library's functions (hook/locks.cpp); read by debug/.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::sched {

struct held_lock {
  const void* lock = nullptr;
  const void* site = nullptr;  // where it was locked
};

extern base::atomic<bool> notes_held_locks;  // written once, when the runtime starts

void note_lock(const void* lock, const void* site) noexcept;
void note_unlock(const void* lock) noexcept;

inline constexpr unsigned most_held_locks = 16;  // per thread; more are not noted

// Moves the calling thread's notes to `into`; returns how many. They belong to a goroutine that leaves the thread.
unsigned take_held_locks(held_lock (&into)[most_held_locks]) noexcept;

}  // namespace weft::sched
