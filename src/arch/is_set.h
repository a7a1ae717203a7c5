// word.load(order) != T{}, compared where it lies: compilers load an atomic before they compare it, and fast paths ask a dozen
// such questions each.
#pragma once

#include "base/atomic.h"

namespace weft::arch {

// order: relaxed or acquire, as which any load of an x86-64 counts that the compiler leaves in its place.
template <class T>
[[nodiscard, gnu::always_inline]] inline bool is_set(const base::atomic<T>& word, base::memory_order order) noexcept {
  static_assert(sizeof(word) == 1 || sizeof(word) == 4 || sizeof(word) == 8);
#ifdef __x86_64__
  bool is;
  if constexpr (sizeof(word) == 8) asm volatile("cmpq $0, %1" : "=@ccne"(is) : "m"(word));
  else if constexpr (sizeof(word) == 4) asm volatile("cmpl $0, %1" : "=@ccne"(is) : "m"(word));
  else asm volatile("cmpb $0, %1" : "=@ccne"(is) : "m"(word));
  if (order != base::relaxed) base::compiler_fence();
  return is;
#else
  return word.load(order) != T{};
#endif
}

}  // namespace weft::arch
