// What is waited for, in words.
#pragma once

#include <string>
#include <vector>

#include "debug/waits.h"

namespace weft::debug {

// "mutex 0x7f0c, locked by goroutine 7", "channel 0x7f0c (unbuffered, 2 handles)", "wait_group 0x7f0c, counter 3".
// `parks`: all that are parked, to find readers among.
std::string object_text(const wait& w, const std::vector<wait>& parks);

// The same for one paragraph of a dump: looks for itself at who is parked, if it has to.
std::string object_text(sched::wait_reason reason, const void* object);

// "goroutine 7", "goroutines 3, 4", "goroutine 3, thread 4711 (worker)"
std::string parties_text(const std::vector<party>& parties);

}  // namespace weft::debug
