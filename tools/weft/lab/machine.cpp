#include "machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "format.h"
#include "go_twin.h"
#include "os/cpu_count.h"

namespace weft::lab {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name") || line.starts_with("CPU part")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

std::string compiler() {
#ifdef __clang__
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace

machine this_machine() {
  utsname name{};
  ::uname(&name);
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {.cpu = cpu_model(),
          .cpus = os::usable_cpus(),
          .kernel = std::string(name.sysname) + ' ' + name.release + ' ' + name.machine,
          .memory_bytes = memory,
          .built_with = compiler(),
          .go = find_go().version};
}

std::string machine::one_line() const {
  return std::to_string(cpus) + " × " + cpu + ", " + format("memory_bytes", memory_bytes) + ", " + kernel + ", " +
         built_with + (go.empty() ? ", no Go" : ", " + go);
}

}  // namespace weft::lab
