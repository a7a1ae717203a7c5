// DWARF expressions, as far as call frame information uses them: the linkage table, signal frames, realigned stacks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/unwind_registers.h"

namespace weft::debug {

struct stack_window;

// `initial`, if there is one, is on the expression's stack when it begins. False: it uses what we do not know.
bool evaluate(const std::byte* program, std::size_t size, const arch::registers& frame, const stack_window& memory,
              const std::uint64_t* initial, std::uint64_t& result) noexcept;

}  // namespace weft::debug
