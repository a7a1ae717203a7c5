// The clock of every deadline, sleep and timer.
#pragma once

#include <chrono>

namespace weft {
using clock = std::chrono::steady_clock;
}
