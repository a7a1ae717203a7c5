// A set of slab numbers that finds its lowest member in a few instructions: two levels of bits in zeroed memory of the
// caller's, so that an empty set costs no page. Guarded by its owner's lock.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft::stack {

class id_set {
 public:
  static constexpr std::uint32_t capacity = 1u << 16;
  static constexpr std::uint32_t none = capacity;
  static constexpr std::size_t words = capacity / 64 + capacity / 64 / 64;

  constexpr id_set() noexcept = default;
  constexpr explicit id_set(std::uint64_t* zeroed_words) noexcept
      : members_(zeroed_words), groups_(zeroed_words + capacity / 64) {}

  void insert(std::uint32_t id) noexcept {
    members_[id / 64] |= bit(id);
    groups_[id / 64 / 64] |= bit(id / 64);
  }
  void erase(std::uint32_t id) noexcept {
    members_[id / 64] &= ~bit(id);
    if (members_[id / 64] == 0) groups_[id / 64 / 64] &= ~bit(id / 64);
  }
  [[nodiscard]] bool contains(std::uint32_t id) const noexcept { return (members_[id / 64] & bit(id)) != 0; }

  // The lowest member that is at least `from`, or none.
  [[nodiscard]] std::uint32_t next(std::uint32_t from) const noexcept {
    if (from >= capacity) return none;
    std::uint32_t word = from / 64;
    if (const std::uint64_t rest = members_[word] & (~std::uint64_t{0} << (from % 64))) return word * 64 + lowest(rest);
    ++word;
    for (std::uint32_t group = word / 64; group < capacity / 64 / 64; ++group, word = group * 64) {
      const std::uint64_t rest = groups_[group] & (~std::uint64_t{0} << (word % 64));
      if (rest == 0) continue;
      word = group * 64 + lowest(rest);
      return word * 64 + lowest(members_[word]);
    }
    return none;
  }
  [[nodiscard]] std::uint32_t first() const noexcept { return next(0); }

 private:
  static std::uint64_t bit(std::uint32_t index) noexcept { return std::uint64_t{1} << (index % 64); }
  static std::uint32_t lowest(std::uint64_t bits) noexcept {
    return static_cast<std::uint32_t>(std::countr_zero(bits));
  }

  std::uint64_t* members_ = nullptr;
  std::uint64_t* groups_ = nullptr;
};

}  // namespace weft::stack
