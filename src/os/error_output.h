// Writing to stderr for those who must not wait for its reader.
#pragma once

#include <string_view>

namespace weft::os {

// One write. False: nothing was written, because it would have had to wait, or there is no stderr. Up to PIPE_BUF bytes
// arrive in one piece, also where several write to one pipe.
[[nodiscard]] [[gnu::noinline]] bool write_error_output(std::string_view text) noexcept;

}  // namespace weft::os
