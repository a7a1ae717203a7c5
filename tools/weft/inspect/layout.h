// The layout table of the process that is looked at (sched/debug_layout.h): where the runtime keeps what.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/target.h"

namespace weft::tool {

class layout {
 public:
  // Throws inspection_error when there is no weft in the process, or one that this command does not know.
  explicit layout(target&);

  // A structure's size, a number, or an address.
  [[nodiscard]] std::uint64_t operator[](std::string_view name) const { return entry_of(name).value; }

  // A field of a structure whose bytes were read.
  [[nodiscard]] std::uint64_t field(std::span<const std::byte> bytes, std::string_view name) const {
    const std::span<const std::byte> raw = bytes_of(bytes, name);
    std::uint64_t value = 0;
    std::memcpy(&value, raw.data(), std::min(raw.size(), sizeof value));  // both CPUs are little-endian
    return value;
  }
  [[nodiscard]] std::span<const std::byte> bytes_of(std::span<const std::byte> structure, std::string_view name) const {
    const entry& e = entry_of(name);
    return e.value <= structure.size() && e.width <= structure.size() - e.value ? structure.subspan(e.value, e.width)
                                                                                : std::span<const std::byte>{};
  }
  // A field of the structure at an address; 0 when it cannot be read.
  [[nodiscard]] std::uint64_t field_at(std::uint64_t structure, std::string_view name) const {
    const entry& e = entry_of(name);
    std::uint64_t value = 0;
    return target_.read(structure + e.value, &value, std::min<std::size_t>(e.width, sizeof value)) ? value : 0;
  }
  [[nodiscard]] std::string reason(std::uint64_t number) const {
    return number < reasons_.size() ? reasons_[number] : "?";
  }

 private:
  struct entry {
    std::uint64_t value;
    std::uint8_t width;
  };
  const entry& entry_of(std::string_view name) const;
  void parse(std::uint64_t table);

  target& target_;
  std::map<std::string, entry, std::less<>> entries_;
  std::vector<std::string> reasons_;
};

}  // namespace weft::tool
