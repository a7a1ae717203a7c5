// Runs a program on weft and asks the reference model whether what was seen is allowed. A problem is also printed at once,
// with the seed that made the program.
#pragma once

#include <string>

#include "program.h"

namespace fuzz {

// One step after the other: each begins when nobody runs any more. So the model knows every queue, and everything but the
// choices of select is determined. Empty: all as it should be; else what was not.
std::string run_stepwise(const program& p, std::uint64_t seed = 0);

// All workers at once, each its own steps in order. What they saw, and who is blocked in the end, must be explained by some
// order of the steps. Timer steps are left out: when a timer fires is nobody's step.
std::string run_at_once(const program& p, std::uint64_t seed = 0);

}  // namespace fuzz
