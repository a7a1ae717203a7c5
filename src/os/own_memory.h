// Reading memory of this process that may not be there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::os {

// False: some of it is not mapped, or not readable. A system call; leaves errno as it was.
bool copy_own_memory(const void* from, void* to, std::size_t bytes) noexcept;

// The mapping that an address lies in. False: none, or the kernel does not tell. Reads a file of /proc.
struct mapping {
  std::uintptr_t low = 0, high = 0;
  [[nodiscard]] bool has(std::uintptr_t address) const noexcept { return address >= low && address < high; }
};
bool find_mapping(std::uintptr_t address, mapping& found);

}  // namespace weft::os
