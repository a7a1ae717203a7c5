// Checks. weft_assert is always on and guards memory safety and state transitions; weft_dassert guards the rest in
// debug builds.
#pragma once

#include "base/fatal.h"

#define weft_assert(condition, what)                                                                        \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0)                                 \
                                                     : ::weft::base::assertion_failed(#condition, what, __FILE__, __LINE__))

#ifdef NDEBUG
#define weft_dassert(condition, what) static_cast<void>(sizeof(condition))
#else
#define weft_dassert(condition, what) weft_assert(condition, what)
#endif
