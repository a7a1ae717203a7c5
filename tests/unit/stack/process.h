// What the kernel says of this process, for tests of memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>

#include "os/valgrind.h"

namespace weft::test {

// A line of /proc/self/status that is in kB, in bytes: "VmRSS", "VmPTE".
inline std::size_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  return 0;
}
inline std::size_t resident_bytes() { return status_bytes("VmRSS"); }

inline std::size_t vma_count() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

// Under user-mode QEMU, Valgrind and a sanitizer the figures are those of the emulator or of the shadow memory.
inline bool is_distorted() {
  if (os::runs_under_valgrind()) return true;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return true;
#endif
#endif
  std::ifstream comm("/proc/self/comm");
  std::string name;
  std::getline(comm, name);
  return name.starts_with("qemu-");
}

inline constexpr std::size_t MiB = std::size_t{1} << 20;

}  // namespace weft::test
