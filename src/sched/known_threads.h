// Plain threads that have parked, for dumps and reports of deadlocks: a thread is listed at its first park, and leaves
// the list when it ends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "sched/wait_reason.h"

namespace weft::sched {

struct thread_sleeper;

struct thread_note {
  pid_t thread = 0;
  wait_reason reason = wait_reason::none;
  const void* object = nullptr;
  std::int64_t since_ns = 0;
  const void* frame = nullptr;  // of park_thread: where the caller's frame pointer and the return address are saved
  bool is_for_good = false;     // no deadline ends it
};

// By the thread itself.
void list_thread(thread_sleeper& me) noexcept;

// How many are listed: as many may be parked.
std::size_t listed_threads() noexcept;

// Those that are parked now, from the front of `notes`; returns how many. Allocates nothing.
std::size_t note_parked_threads(std::span<thread_note> notes) noexcept;

}  // namespace weft::sched
