// The code of the process that is looked at, for walking its stacks: what its modules say about their frames.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "debug/unwind.h"
#include "inspect/target.h"

namespace weft::tool {

class remote_code final : public debug::code_map {
 public:
  explicit remote_code(target& process) : process_(process) {}

  bool find(std::uint64_t pc, debug::unwind_section& section) const noexcept override;
  const std::byte* code(std::uint64_t address, std::size_t length) const noexcept override;

 private:
  struct module {
    std::uint64_t low = 0, high = 0;  // all of its segments
    std::uint64_t address = 0, header = 0;
    std::vector<std::byte> bytes;  // the segment with the frame information; empty: there is none
  };
  const module* module_of(std::uint64_t pc) const;
  module load(std::uint64_t start) const;

  target& process_;
  mutable std::vector<module> modules_;
  mutable bool has_modules_ = false;
  mutable std::map<std::pair<std::uint64_t, std::size_t>, std::vector<std::byte>> code_;
};

}  // namespace weft::tool
