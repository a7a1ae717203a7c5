#include "inspect/target.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weft::tool {

std::string target::text(std::uint64_t at, std::size_t most) {
  constexpr std::uint64_t page = 4096;
  std::string result;
  while (at != 0 && result.size() < most) {
    char part[128];
    const std::size_t bytes = std::min({sizeof part, most - result.size(), static_cast<std::size_t>(page - at % page)});
    if (!read(at, part, bytes)) break;
    const std::size_t used = ::strnlen(part, bytes);
    result.append(part, used);
    if (used < bytes) break;
    at += bytes;
  }
  return result;
}

std::vector<std::byte> target::stack(std::uint64_t low, std::uint64_t high) {
  constexpr std::uint64_t most = std::uint64_t{1} << 20;
  if (low == 0 || low >= high) return {};
  std::vector<std::byte> bytes(std::min(high - low, most));
  return read(low, bytes.data(), bytes.size()) ? bytes : std::vector<std::byte>{};
}

std::unique_ptr<target> open_target(const std::string& who) {
  int pid = 0;
  const auto [end, error] = std::from_chars(who.data(), who.data() + who.size(), pid);
  if (error == std::errc{} && end == who.data() + who.size() && pid > 0) return open_process(pid);
  struct stat file {};
  if (::stat(who.c_str(), &file) != 0)
    throw inspection_error("'" + who + "' is neither a process id nor a core file: " + std::strerror(errno));
  return open_core(who);
}

}  // namespace weft::tool
