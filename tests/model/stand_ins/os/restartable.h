// Stands in for src/os/restartable.h.
#pragma once

namespace weft::os {

inline void probe_restartable() noexcept {}

}  // namespace weft::os
