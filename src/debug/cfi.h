// Call frame information: where a function's caller's registers are, for a given place in it (DWARF 5, section 6.4; the
// Linux Standard Base's .eh_frame and .eh_frame_hdr).
//
// Every function of a C++ program has it, in memory and in the file, also when it was stripped: exceptions need it. So
// stacks can be walked without debug information and without frame pointers. Nothing here allocates, locks or calls the
// C library: it may run in signal handlers and on broken heaps. All reads are bounded, so wrong data gives a wrong or no
// rule, never a fault.
// Refused: libgcc's unwinder (walks the calling thread only, and runs personality routines' data structures through
// malloc at first use); libdwfl's (10 µs per frame, against 0.02 with the rules kept: a million stacks).
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/unwind_registers.h"

namespace weft::debug {

// The part of a module that holds .eh_frame_hdr and .eh_frame, at hand as bytes: the module's own memory, or its file.
struct unwind_section {
  const std::byte* bytes = nullptr;  // what the process sees at [address, address + size)
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;          // address of .eh_frame_hdr
};

struct register_rule {
  enum class kind : std::uint8_t { same, undefined, at_offset, is_offset, in_register, at_expression, is_expression };
  kind how = kind::same;
  std::uint8_t other = 0;                   // in_register
  std::int32_t offset = 0;                  // from the CFA
  const std::byte* expression = nullptr;    // ... of `offset` bytes
};

// What holds at one place. The CFA is the value of the stack pointer before the call of this function.
struct unwind_rule {
  static constexpr unsigned most = arch::registers::count < 20 ? arch::registers::count : 20;
  enum class kind : std::uint8_t { none, usable, bottom };
  kind state = kind::none;                  // none: no information; bottom: nobody called this frame
  bool is_signal_frame = false;             // its caller was interrupted, not calling
  std::uint8_t return_column = 0;           // which register's rule gives the return address
  std::uint8_t cfa_register = 0;
  std::int32_t cfa_offset = 0;
  const std::byte* cfa_expression = nullptr;  // not null: instead, of cfa_offset bytes
  std::uint64_t function = 0;               // where the function begins
  std::uint8_t count = 0;                   // of those that are not `same`
  std::uint8_t number[most] = {};
  register_rule rules[most] = {};
};

unwind_rule find_rule(const unwind_section& section, std::uint64_t pc) noexcept;

// A stack: what the process sees at [low, high).
struct stack_window {
  const std::byte* bytes = nullptr;
  std::uint64_t low = 0, high = 0;
  // If not null, called for each word that step() finds a caller's register in.
  void (*on_saved)(void* argument, std::uint64_t address) = nullptr;
  void* argument = nullptr;

  // False: outside.
  bool read(std::uint64_t address, std::uint64_t& word) const noexcept;
};

// From a frame's registers to its caller's. False: there is no caller, or it cannot be found.
bool step(const unwind_rule& rule, const stack_window& stack, arch::registers& frame) noexcept;

}  // namespace weft::debug
