// Errors of the operating system: the operation and what it worked on, "open /etc/shadow: Permission denied".
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include <weft/error.h>

namespace weft::os {

// From the results of os/ (negative) and of poll/ (positive).
[[gnu::cold]] inline std::unexpected<error> failure(std::int64_t error_number, const char* op, std::string what = {}) {
  const std::error_code code(static_cast<int>(error_number < 0 ? -error_number : error_number), std::generic_category());
  if (what.empty()) return fail(error(code, op));
  return fail(error(code, op, std::move(what)));
}

}  // namespace weft::os
