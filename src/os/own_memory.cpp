#include "os/own_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>

#include "os/keep_errno.h"

namespace weft::os {

bool copy_own_memory(const void* from, void* to, std::size_t bytes) noexcept {
  const keep_errno keep;
  const iovec local{to, bytes}, remote{const_cast<void*>(from), bytes};
  return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

bool find_mapping(std::uintptr_t address, mapping& found) {
  const keep_errno keep;
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);)
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &found.low, &found.high) == 2 && found.has(address)) return true;
  return false;
}

}  // namespace weft::os
