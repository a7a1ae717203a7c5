// Tells Valgrind about stacks, so that memcheck takes a switch for a switch and not for a frame of many megabytes.
//
// Elsewhere a call costs a few instructions that do nothing. Needs valgrind/valgrind.h when weft is built (BSD licence;
// Debian: valgrind); without it nothing is told.
#pragma once

#include <cstddef>

namespace weft::os {

bool runs_under_valgrind() noexcept;
void tell_valgrind_of_stack(const std::byte* lowest, const std::byte* top) noexcept;  // for ever

}  // namespace weft::os
