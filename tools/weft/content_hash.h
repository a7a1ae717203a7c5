// A fast 128-bit fingerprint of bytes, for cache keys: equal contents, equal key. Not for use against an adversary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::tool {

class content_hash {
 public:
  // Length is part of the fingerprint: add("ab"), add("c") differs from add("a"), add("bc").
  void add(std::string_view bytes);
  std::string hex() const;  // 32 letters

 private:
  void mix(std::uint64_t word);

  std::uint64_t low_ = 0x9e3779b97f4a7c15;
  std::uint64_t high_ = 0xc2b2ae3d27d4eb4f;
};

}  // namespace weft::tool
