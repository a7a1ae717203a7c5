// A place of the program in one line, for reports of other layers.
#pragma once

#include <string>

namespace weft::debug {

// "serve(int) at /home/me/server.cpp:12", or as much as is known. From any thread or goroutine, also inside the runtime:
// blocks the thread, some ten milliseconds at the first call, and never parks.
std::string site_text(const void* return_address);

}  // namespace weft::debug
