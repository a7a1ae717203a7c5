// In place of src/arch/is_set.h: a load like any other, of the line that asks.
#pragma once

#include "base/atomic.h"

namespace weft::arch {

template <class T>
[[nodiscard]] bool is_set(const base::atomic<T>& word, base::memory_order order, model::site where = model::site::here()) noexcept {
  return word.load(order, where) != T{};
}

}  // namespace weft::arch
