// Stands in for src/os/clock.h: the model's time. It passes only where engine/model.h says.
#pragma once

#include <cstdint>
#include <ctime>

namespace model {
std::int64_t now_ns() noexcept;
}

namespace weft::os {
inline std::int64_t monotonic_ns() noexcept { return model::now_ns(); }
inline std::int64_t never_slewed_ns() noexcept { return model::now_ns(); }
}  // namespace weft::os
