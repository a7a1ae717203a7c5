#include "proc_status.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weft::lab {

proc_status read_proc_status(pid_t pid) {
  char path[48];
  if (pid)
    std::snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(pid));
  else
    std::snprintf(path, sizeof path, "/proc/self/status");
  // Plain system calls and a buffer on the stack: reading must not change what is measured.
  char text[8192];
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return {};
  text[got] = '\0';
  const auto field = [&](const char* name) {
    const char* at = std::strstr(text, name);
    return at ? std::atol(at + std::strlen(name)) : 0;
  };
  constexpr double kib = 1024;
  return {.reserved_bytes = static_cast<double>(field("\nVmSize:")) * kib,
          .resident_bytes = static_cast<double>(field("\nVmRSS:")) * kib,
          .peak_resident_bytes = static_cast<double>(field("\nVmHWM:")) * kib,
          .page_table_bytes = static_cast<double>(field("\nVmPTE:")) * kib,
          .threads = field("\nThreads:")};
}

}  // namespace weft::lab
