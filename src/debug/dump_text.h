// A census as text.
#pragma once

#include <string>

#include "debug/census.h"
#include "debug/symbols.h"
#include "os/text_sink.h"

namespace weft::debug {

// "312 ms", "5 minutes"
std::string age_text(std::int64_t ns);

// "goroutine 17 [chan receive, 5 minutes, 20 with this stack]: reader\n", the stack, who created it.
std::string group_text(symboliser& names, const stack_group& group, std::int64_t now_ns, bool is_complete);

// All groups; the one with `first` before the others, with the frames of the runtime above the program's own if
// `is_complete`.
void write_census(os::text_sink& out, symboliser& names, const census& all, std::uint64_t first, bool is_complete);

}  // namespace weft::debug
