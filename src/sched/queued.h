// What waits to run, for those who list all goroutines: newborns have no stack yet, and a goroutine that was made
// runnable still carries the reason of its last park.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::sched {

struct queued_note {
  std::uintptr_t word = 0;           // of runnable
  std::uint64_t id = 0, creator = 0; // these only of newborns
  const void* start_site = nullptr;
  const char* name = "";
  std::uint16_t more = 0;            // so many siblings follow, with the ids after it
};

// How many there may be now, roughly.
std::size_t count_queued() noexcept;

// Fills `notes` from the front; returns how many. Waits for nobody for long: the queues of a processor whose worker stays
// inside the runtime are left out. Allocates nothing.
std::size_t note_queued(std::span<queued_note> notes) noexcept;

}  // namespace weft::sched
