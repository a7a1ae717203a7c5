#include "os/valgrind.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace weft::os {

#ifdef VALGRIND_STACK_REGISTER

bool runs_under_valgrind() noexcept { return RUNNING_ON_VALGRIND != 0; }

void tell_valgrind_of_stack(const std::byte* lowest, const std::byte* top) noexcept {
  if (runs_under_valgrind()) static_cast<void>(VALGRIND_STACK_REGISTER(lowest, top - 1));
}

#else

bool runs_under_valgrind() noexcept { return false; }
void tell_valgrind_of_stack(const std::byte*, const std::byte*) noexcept {}

#endif

}  // namespace weft::os
