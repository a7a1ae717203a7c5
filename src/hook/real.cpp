#include "hook/real.h"

#include <dlfcn.h>

#include "base/fatal.h"

namespace weft::hook {

void* find_real(const char* name) noexcept {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (!found) base::fatal("weft::hook: no %s() behind ours: it needs a libc that is linked dynamically", name);
  return found;
}

}  // namespace weft::hook
