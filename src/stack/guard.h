// What lies below each stack: one of three kinds, chosen at run time by what the kernel can do and how many VMAs are
// left.
//
// madvise is tried on a page of its own first and must be seen to fault: user-mode emulators accept any advice and do
// nothing. mprotect costs up to two VMAs per stack, so it stops at half of vm.max_map_count and leaves the other half
// to the program; memory given back returns its share. After that a slot has a canary: its guard area is plain memory
// that must stay zero. Zero, because a pattern would have to be written and would cost each stack a second page; a
// call that overflows leaves a return address, which is not zero.
#pragma once

#include <cstdint>

#include "stack/slab.h"

namespace weft::stack {

// Guards the slots [first, first + count) of s and records in s which of them fault.
void install_guards(slab& s, std::uint32_t first, std::uint32_t count);

// The VMAs of these many mprotect guards are gone.
void return_guards(std::uint32_t mprotected) noexcept;

}  // namespace weft::stack
