#include "debug/memory_scan.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>
#include <sys/mman.h>
#include <vector>

#include "os/own_memory.h"
#include "stack/stack.h"

namespace weft::debug {
namespace {

struct mapping {
  std::uintptr_t low, high;
  bool is_above_guard;  // what lies right below cannot be accessed: a thread's stack, perhaps
};

// Writable, and not a device's: reading those may have effects.
bool read_mappings(std::vector<mapping>& all) {
  std::ifstream file("/proc/self/maps");
  std::uintptr_t guard_end = 0;
  for (std::string line; std::getline(file, line);) {
    std::uintptr_t low, high;
    char access[5];
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &low, &high, access) != 3) return false;
    if (access[0] == '-') guard_end = high;
    if (access[0] == 'r' && access[1] == 'w' && line.find(" /dev/") == line.npos) all.push_back({low, high, guard_end == low || line.ends_with("[stack]")});
  }
  return !all.empty();
}

bool contains(const mapping& m, const void* address) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return at >= m.low && at < m.high;
}

// Below the stack pointer of a thread is what its past calls have left. Of two in one stack the upper one counts.
void leave_out_dead_ends(std::vector<mapping>& all, std::span<const std::uint64_t> stack_pointers) {
  for (const std::uint64_t sp : stack_pointers)
    for (mapping& m : all)
      if (m.is_above_guard && sp >= m.low && sp < m.high) m.low = sp / sizeof sp * sizeof sp;
}

constexpr std::size_t piece = std::size_t{1} << 20;

}  // namespace

bool copy_writable_memory(std::span<const std::uint64_t> stack_pointers,
                          void (*visit)(void*, const std::byte*, const std::byte*), void* argument) {
  // What is read would be found again in the copy: it is a mapping of its own, and passed over, as is this stack.
  void* const copy = ::mmap(nullptr, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return false;
  std::vector<mapping> all;
  const bool is_read = read_mappings(all);
  leave_out_dead_ends(all, stack_pointers);
  for (const mapping& m : all) {
    if (contains(m, __builtin_frame_address(0))) continue;  // of a thread that was started for this
    for (std::uintptr_t at = m.low; at < m.high;) {
      // The kernel joins neighbours: what is in one mapping with the copy or with stacks is still looked at.
      const auto start = reinterpret_cast<std::uintptr_t>(copy);
      std::uintptr_t end = std::min(m.high, at + piece);
      if (at >= start && at < start + piece) {
        at = start + piece;
        continue;
      }
      if (at < start && end > start) end = start;
      if (const stack::found slot = stack::find(reinterpret_cast<void*>(at)); slot.top) {
        at = reinterpret_cast<std::uintptr_t>(slot.top);
        continue;
      }
      auto* const bytes = static_cast<std::byte*>(copy);
      for (std::uintptr_t page = at; page < end;) {
        const std::size_t length = std::min<std::size_t>(end - page, piece);
        if (os::copy_own_memory(reinterpret_cast<void*>(page), bytes, length)) {
          visit(argument, bytes, bytes + length);
          page += length;
        } else if (length > 4096) {
          end = page + (length / 2 + 4095) / 4096 * 4096;  // some of it is gone: by halves
        } else {
          page = end;
        }
      }
      at = end;
    }
  }
  ::munmap(copy, piece);
  return is_read;
}

}  // namespace weft::debug
