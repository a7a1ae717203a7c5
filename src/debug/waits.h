// Who waits for what: goroutines and plain threads that are parked, at one moment.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "sched/wait_reason.h"

namespace weft::sched {
struct goroutine;
}

namespace weft::debug {

// A goroutine by its id, or a plain thread by the kernel's number; 0: one that is not known.
struct party {
  bool is_thread = false;
  std::uint64_t id = 0;
  auto operator<=>(const party&) const = default;
};
std::string party_text(const party& p);  // "goroutine 7", "thread 4711 (worker)"

struct wait {
  const sched::goroutine* who = nullptr;  // null: a thread
  party by;
  sched::wait_reason reason = sched::wait_reason::none;
  const void* object = nullptr;
  std::int64_t since_ns = 0;
  const void* sp = nullptr;               // of what is in use of its stack
};

// Waits for a mutex or rw_mutex.
bool is_for_lock(const wait& w) noexcept;

// All goroutines that are parked now, also those that wait for no object.
std::vector<wait> look_at_parks();
// ... and the plain threads that are parked with no deadline.
std::vector<wait> look_at_all_parks();

// Is that goroutine still in the same park? Times of parks are coarse: those of two parks in a row may be equal.
bool is_still_parked(const wait& before) noexcept;
bool is_same_park(const wait& a, const wait& b) noexcept;

}  // namespace weft::debug
