// What runs by itself while the process lives, if WEFT_DEBUG asks for it.
#pragma once

namespace weft::debug {

void start_periodic_looks();  // deadlock=1
void watch_held_locks();      // heldlocks=1

}  // namespace weft::debug
