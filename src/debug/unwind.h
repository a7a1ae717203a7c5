// Walking a stack, of this process or of another one, from registers and bytes.
//
//   rule_cache rules;
//   std::uint64_t pcs[100];
//   walk_result seen = walk(frame, window, own_code(), &rules, pcs);
//
// A million parked goroutines share a few hundred places of code: the rule of each is read once and kept, and a frame then
// costs a look into a table and two loads from the stack. Without a cache nothing is allocated and nothing is locked: that
// is how signal handlers walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "arch/unwind_registers.h"
#include "debug/cfi.h"

namespace weft::debug {

// Where the code is, and what describes it.
class code_map {
 public:
  // The module that `pc` belongs to. False: none, or it has no call frame information.
  virtual bool find(std::uint64_t pc, unwind_section& section) const noexcept = 0;
  // `length` bytes of code from `address` on; null: not at hand.
  virtual const std::byte* code(std::uint64_t address, std::size_t length) const noexcept = 0;

 protected:
  ~code_map() = default;
};

const code_map& own_code() noexcept;  // of this process; async-signal-safe

class rule_cache {
 public:
  rule_cache();
  const unwind_rule& rule(const code_map& code, std::uint64_t pc);

 private:
  static constexpr std::size_t slots = 2048;  // 700 KiB; two places that share a slot are read again and again
  struct slot {
    std::uint64_t pc = 0;
    unwind_rule rule;
  };
  std::unique_ptr<slot[]> slots_;
};

enum class walk_end : std::uint8_t {
  bottom,    // the first frame of the goroutine or thread
  cut,       // more frames than room
  lost,      // the caller of the last frame is not known
};

struct walk_result {
  std::uint32_t count = 0;
  walk_end end = walk_end::lost;
};

inline constexpr std::size_t most_frames = 100;  // as Go

// pcs[0] is the place itself, the others are where calls return to.
walk_result walk(arch::registers frame, const stack_window& stack, const code_map& code, rule_cache* rules,
                 std::span<std::uint64_t> pcs) noexcept;

}  // namespace weft::debug
