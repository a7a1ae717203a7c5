#include "debug/dw_library.h"

#ifdef WEFT_HAS_LIBDW
#include <dlfcn.h>

#include <type_traits>

#include "base/settings.h"

namespace weft::debug {
namespace {

bool load(dw_library& into) noexcept {
  if (!base::settings().debug_symbols) return false;
  void* const library = ::dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  const auto find = [&](auto& function, const char* name) {
    void* const found = ::dlsym(library, name);  // in libelf too, which it needs
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
    return found != nullptr;
  };
#define WEFT_DW_FIND(name) &&find(into.name, #name)
  return true WEFT_DW_FUNCTIONS(WEFT_DW_FIND);
#undef WEFT_DW_FIND
}

}  // namespace

const dw_library* dw() noexcept {
  static const dw_library* const loaded = []() -> const dw_library* {
    static dw_library library;
    return load(library) ? &library : nullptr;
  }();
  return loaded;
}

}  // namespace weft::debug
#endif
