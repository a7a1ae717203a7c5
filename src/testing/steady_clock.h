// std::chrono's clocks in virtual time (include/weft/detail/virtual_clock.h replaces their now()).
#pragma once

#include <cstdint>

namespace weft::testing {

// Where the clock of a world begins: at a fixed date, so that runs repeat. Where steady_clock::now() cannot be replaced,
// said once on stderr, at the real time: then what programs compute from it comes out nearly right.
std::int64_t first_moment_ns();

}  // namespace weft::testing
