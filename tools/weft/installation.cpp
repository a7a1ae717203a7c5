#include "installation.h"

namespace weft::tool {
namespace fs = std::filesystem;

installation find_installation() {
  installation found;
  found.compiler = WEFT_CXX;
  found.needs_liburing = WEFT_NEEDS_LIBURING;

  std::error_code ignored;
  const fs::path prefix = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
  if (fs::equivalent(prefix, WEFT_BUILD_DIR, ignored)) {
    found.source_dir = WEFT_SOURCE_DIR;
    found.build_dir = WEFT_BUILD_DIR;
    found.archive = WEFT_LIBRARY;
    found.include_dirs = {found.source_dir / "include", found.build_dir / "include"};
  } else {
    found.archive = prefix / WEFT_LIBDIR / "libweft.a";
    found.include_dirs = {prefix / "include"};
  }
  return found;
}

}  // namespace weft::tool
