#include "content_hash.h"

#include <bit>
#include <cstdio>
#include <cstring>

namespace weft::tool {

// Each lane is a bijection of its state for every word (xor, odd multiply, rotate), so no word is ever forgotten; the
// lanes differ in multiplier and rotation, so a collision must happen in both at once.
void content_hash::mix(std::uint64_t word) {
  low_ = std::rotl((low_ ^ word) * 0x9fb21c651e98df25, 31);
  high_ = std::rotl((high_ ^ word) * 0xd6e8feb86659fd93, 27) + low_;
}

void content_hash::add(std::string_view bytes) {
  mix(bytes.size());
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    mix(word);
    bytes.remove_prefix(sizeof word);
  }
  std::uint64_t tail = 0;
  std::memcpy(&tail, bytes.data(), bytes.size());
  mix(tail);
}

std::string content_hash::hex() const {
  content_hash last = *this;
  for (int round = 0; round < 4; ++round) last.mix(0);
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(last.low_),
                static_cast<unsigned long long>(last.high_));
  return text;
}

}  // namespace weft::tool
