#include "inspect/places.h"

#include <cinttypes>
#include <cstdio>
#include <unordered_map>

namespace weft::tool {
namespace {

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

places::places(target& process, bool with_symbols) : process_(process) {
  if (with_symbols) symbols_.emplace(process.whose_addresses());
}

const code_place& places::of_return_address(std::uint64_t address) {
  const auto [entry, is_new] = known_.try_emplace(address);
  if (is_new) entry->second = look_up(address);
  return entry->second;
}

code_place places::look_up(std::uint64_t address) {
  code_place found;
  for (const mapped_file& file : process_.files()) {
    if (address < file.start || address >= file.end) continue;
    found.module = last_part(file.path);
    found.offset = address - file.start + file.offset;
  }
  if (!symbols_ || !symbols_->has_lines()) return found;
  const auto& frames = symbols_->frames(address, true);
  // Where the user's code is: the innermost that is not weft's own; of those that are, the outermost.
  for (const debug::source_frame& f : frames) {
    if (f.function.empty()) continue;
    found.function = f.function;
    found.file = f.file;
    found.line = f.line;
    if (!f.function.starts_with("weft::")) break;
  }
  return found;
}

std::string to_string(const code_place& place) {
  if (!place.function.empty()) {
    if (place.file.empty()) return place.function;
    return place.function + ' ' + std::string(last_part(place.file)) + ':' + std::to_string(place.line);
  }
  char text[32];
  std::snprintf(text, sizeof text, "+0x%" PRIx64, place.offset);
  return place.module.empty() ? "?" : place.module + text;
}

}  // namespace weft::tool
