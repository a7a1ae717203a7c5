// Stacks as text, in the form of Go's dumps:
//
//   server::handle(weft::net::tcp_conn&)
//   	/home/me/server.cpp:41 +0x1d
//
// What is inlined into the next frame has no offset. The frames of the runtime at both ends (park, channels' cores, the
// bottom of a goroutine) are left out.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "debug/symbols.h"
#include "debug/unwind.h"

namespace weft::debug {

// Whether frames of the runtime are left out: above the first frame of the program's own, and below its last.
enum class hidden_frames : std::uint8_t { both_ends, bottom_only, none };

std::string stack_text(symboliser& names, std::span<const std::uint64_t> pcs, walk_end end, hidden_frames hidden);

// "created by FUNCTION in goroutine 7\n\tFILE:LINE +0x1d\n"; `creator` 0: a plain thread.
// Empty for the main goroutine, which weft::run created.
std::string creation_text(symboliser& names, const void* site, std::uint64_t creator);

// "FUNCTION\n\tFILE:LINE\n": the first frame there that is not the runtime's or the library's.
std::string place_text(symboliser& names, const void* site);

// Which frames, inlined ones among them, innermost first, are shown: those from `first` up to `last`. One is in any case: the
// call that blocks may be the last thing that a function does, and have taken its place.
struct shown_frames {
  std::size_t first = 0, last = 0;
};
shown_frames choose_shown(std::span<const source_frame* const> frames, walk_end end, hidden_frames hidden);

}  // namespace weft::debug
