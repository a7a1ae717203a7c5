// Text to a descriptor that perhaps nobody reads: a dump must not hang on a full pipe.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::os {

class text_sink {
 public:
  // Gives up after `patience_ns` in which not a byte was taken.
  explicit text_sink(int descriptor, std::int64_t patience_ns = 5'000'000'000) noexcept : descriptor_(descriptor), patience_ns_(patience_ns) {}

  // False: given up, now or before; what follows is dropped. Async-signal-safe, keeps errno.
  bool write(std::string_view text) noexcept;
  [[nodiscard]] bool has_given_up() const noexcept { return has_given_up_; }

 private:
  int descriptor_;
  std::int64_t patience_ns_;
  bool has_given_up_ = false;
};

}  // namespace weft::os
