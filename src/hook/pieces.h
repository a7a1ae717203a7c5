// What is left of a vector of buffers when the kernel has taken or filled a part of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <sys/uio.h>

namespace weft::hook {

class pieces {
 public:
  pieces(const iovec* vectors, std::size_t count) : vectors_(vectors, vectors + count) {}

  [[nodiscard]] iovec* data() { return vectors_.data() + first_; }
  [[nodiscard]] std::size_t count() const { return vectors_.size() - first_; }
  void drop(std::size_t bytes) {
    while (first_ < vectors_.size() && bytes >= vectors_[first_].iov_len) bytes -= vectors_[first_++].iov_len;
    if (bytes == 0) return;
    vectors_[first_].iov_base = static_cast<std::byte*>(vectors_[first_].iov_base) + bytes;
    vectors_[first_].iov_len -= bytes;
  }

 private:
  std::vector<iovec> vectors_;
  std::size_t first_ = 0;
};

// How many bytes there are in all; more than any call moves if the vector is none.
inline std::size_t total(const iovec* vectors, std::size_t count) noexcept {
  constexpr std::size_t most_vectors = 1024;  // UIO_MAXIOV
  std::size_t sum = 0;
  if (count > most_vectors) return std::numeric_limits<std::size_t>::max();
  for (std::size_t i = 0; i < count; ++i)
    if (__builtin_add_overflow(sum, vectors[i].iov_len, &sum)) return std::numeric_limits<std::size_t>::max();
  return sum;
}

}  // namespace weft::hook
