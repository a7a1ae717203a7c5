// The stacks of a process's goroutines, as addresses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/unwind.h"
#include "inspect/layout.h"
#include "inspect/remote_code.h"
#include "inspect/snapshot.h"
#include "inspect/target.h"

namespace weft::tool {

struct seen_stack {
  std::vector<std::uint64_t> pcs;  // the first is where it is, the others are where calls return to
  debug::walk_end end = debug::walk_end::lost;
  std::string problem;             // why there is none

  [[nodiscard]] bool is_whole() const noexcept { return end == debug::walk_end::bottom; }
};

class stack_reader {
 public:
  stack_reader(target& process, const layout& where) : process_(process), where_(where), code_(process) {}

  // Of a goroutine of the snapshot, as it is now.
  seen_stack read(const seen_goroutine&);

 private:
  seen_stack walk(const arch::registers&, const std::vector<std::byte>& bytes);
  seen_stack of_parked(const seen_goroutine&);

  target& process_;
  const layout& where_;
  remote_code code_;
  debug::rule_cache rules_;
};

}  // namespace weft::tool
