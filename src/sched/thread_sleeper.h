// A plain thread that parks: its sleeper is a thread_local with a futex.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/atomic.h"
#include "sched/goroutine.h"

namespace weft::sched {

struct thread_sleeper : detail::sleeper {
  constexpr thread_sleeper() noexcept : sleeper(false) {}
  base::atomic<std::uint32_t> permit{0};  // futex; states in thread_sleeper.cpp
  base::atomic<const void*> frame{nullptr};  // as `object`: the frame of the park, for its stack
  pid_t thread = 0;                          // this and the next: known_threads.h; 0: not listed
  thread_sleeper* next_listed = nullptr;
};

enum class park_kind : std::uint8_t { none, with_deadline, for_good };
// From another thread: what holds now, or held a moment ago. Never that of a park whose permit was there before the call.
park_kind park_of(const thread_sleeper& who) noexcept;

// How many threads are parked for good, without a deadline: for the deadlock detector.
std::uint32_t parked_threads() noexcept;
// Changes whenever such a thread parks or is made ready.
std::uint64_t parked_threads_version() noexcept;

thread_sleeper& this_thread_sleeper() noexcept;
void park_thread(wait_reason reason, const void* object);
// False: the deadline came first, and the permit may still come.
bool park_thread_until(std::int64_t deadline_ns, wait_reason reason, const void* object);
void ready_thread(thread_sleeper& who) noexcept;

}  // namespace weft::sched
