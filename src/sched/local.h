// Goroutine-local values (weft/local.h): a short list per goroutine, newest first.
#pragma once

#include "sched/goroutine.h"

namespace weft::sched {

// Runs the destructors, as the goroutine; they may park and may make new locals, which are destroyed too.
void destroy_locals(goroutine& g);

}  // namespace weft::sched
