// Stands in for src/os/futex.h: the same interface, on the engine's threads (engine/platform.cpp).
#pragma once

#include <cstdint>
#include <limits>

#include "base/atomic.h"

namespace model {
int futex_wait(const cell* word, std::uint32_t expected, std::int64_t deadline_ns, site) noexcept;
int futex_wake(const cell* word, int count, site) noexcept;
}  // namespace model

namespace weft::os {

inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

inline int futex_wait(base::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t deadline_ns,
                      model::site where = model::site::here()) noexcept {
  return model::futex_wait(word.cell(), expected, deadline_ns, where);
}
inline int futex_wake(base::atomic<std::uint32_t>& word, int count, model::site where = model::site::here()) noexcept {
  return model::futex_wake(word.cell(), count, where);
}

}  // namespace weft::os
