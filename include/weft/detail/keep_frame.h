// A call that blocks and must be seen.
//
// A function whose last act is a call that blocks may be replaced by it: the compiler jumps, and the caller is missing from
// every stack that is shown while it waits. So the blocking functions of the public headers are inlined, and have the
// compiler believe that something follows. Nothing does: no instruction is added but that the call is a call.
#pragma once

#include <weft/detail/atomic.h>

namespace weft::detail {

// Right after the call, before its result is returned.
[[gnu::always_inline]] inline void keep_frame() noexcept { base::compiler_fence(); }

}  // namespace weft::detail
