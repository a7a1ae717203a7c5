// Which channels a parked goroutine waits on, from the object of its park: for reports of leaks.
#pragma once

#include <cstddef>
#include <span>

namespace weft::detail {

struct channel;

struct select_waits {
  bool has_deadline = false;      // it ends by itself
  bool is_known = false;          // the goroutine was still there to be looked at
  std::size_t count = 0;          // may be larger than the room
};
// `core` is what a select parks with. Nothing is locked: the caller sees to it that the goroutine has not moved.
select_waits channels_of_select(const void* core, std::span<const channel*> channels) noexcept;

// Does somebody outside the program's goroutines send to it (a timer)?
bool is_fed_from_outside(const channel* ch) noexcept;

}  // namespace weft::detail
