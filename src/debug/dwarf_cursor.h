// Reading DWARF's encodings from bytes, never beyond their end: after a read that would be, everything reads as zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weft::debug {

class dwarf_cursor {
 public:
  dwarf_cursor() noexcept = default;  // failed
  dwarf_cursor(const std::byte* begin, const std::byte* end, std::uint64_t address) noexcept
      : position_(begin), end_(end), address_(address), failed_(false) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return position_ == end_; }
  [[nodiscard]] const std::byte* position() const noexcept { return position_; }
  [[nodiscard]] const std::byte* end() const noexcept { return end_; }
  [[nodiscard]] std::uint64_t address() const noexcept { return address_; }  // of position(), as the process sees it

  [[nodiscard]] dwarf_cursor limited_to(std::uint64_t length) const noexcept {
    if (failed_ || length > static_cast<std::uint64_t>(end_ - position_)) return {};
    return {position_, position_ + length, address_};
  }
  void skip(std::uint64_t length) noexcept {
    if (failed_ || length > static_cast<std::uint64_t>(end_ - position_)) return fail();
    position_ += length;
    address_ += length;
  }
  void skip_to(const std::byte* place) noexcept {
    if (place) skip(static_cast<std::uint64_t>(place - position_));
    else fail();
  }

  template <class T>
  T fixed() noexcept {
    T value{};
    const std::byte* from = position_;
    skip(sizeof(T));
    if (!failed_) std::memcpy(&value, from, sizeof(T));
    return value;
  }
  std::uint64_t uleb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (!(byte & 0x80) || failed_) return value;
    }
  }
  std::int64_t sleb() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = fixed<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7Fu} << shift;
      shift += 7;
      if (byte & 0x80 && !failed_) continue;
      if (shift < 64 && (byte & 0x40)) value |= ~std::uint64_t{0} << shift;
      return static_cast<std::int64_t>(value);
    }
  }
  const char* text() noexcept {
    const auto* start = reinterpret_cast<const char*>(position_);
    while (fixed<char>() != '\0' && !failed_) {}
    return failed_ ? "" : start;
  }
  // DW_EH_PE_*: the low four bits say how it is stored, the next three what it is relative to (here: to nothing or to its
  // own place).
  std::uint64_t encoded(std::uint8_t encoding) noexcept {
    constexpr std::uint8_t omitted = 0xFF, relative_to_itself = 0x10;
    if (encoding == omitted) return 0;
    const std::uint64_t base = (encoding & 0x70) == relative_to_itself ? address_ : 0;
    return base + stored(encoding & 0x0F);
  }

 private:
  std::uint64_t stored(std::uint8_t format) noexcept {
    switch (format) {
      case 0x00: case 0x04: case 0x0C: return fixed<std::uint64_t>();
      case 0x01: return uleb();
      case 0x02: return fixed<std::uint16_t>();
      case 0x03: return fixed<std::uint32_t>();
      case 0x09: return static_cast<std::uint64_t>(sleb());
      case 0x0A: return static_cast<std::uint64_t>(std::int64_t{fixed<std::int16_t>()});
      case 0x0B: return static_cast<std::uint64_t>(std::int64_t{fixed<std::int32_t>()});
      default: fail(); return 0;
    }
  }
  void fail() noexcept {
    failed_ = true;
    position_ = end_;
  }

  const std::byte* position_ = nullptr;
  const std::byte* end_ = nullptr;
  std::uint64_t address_ = 0;
  bool failed_ = true;
};

}  // namespace weft::debug
