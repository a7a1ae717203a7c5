// From names to addresses.
#pragma once

#include <string_view>
#include <system_error>
#include <vector>

#include <weft/context.h>
#include <weft/error.h>
#include <weft/net/address.h>

namespace weft::net {

// What a lookup may fail with, besides the system's errors. Equal to std::errc: not_found and no_address to
// no_such_device_or_address, try_again to resource_unavailable_try_again.
enum class name_errc { not_found = 1, no_address, try_again, failed };
const std::error_category& name_category() noexcept;
inline std::error_code make_error_code(name_errc code) noexcept { return {static_cast<int>(code), name_category()}; }

// The addresses of a host, as the C library's resolver gives them (/etc/hosts, DNS, whatever is configured), best first, at
// least one; without ports. The lookup occupies a thread, not a processor. When ctx is cancelled the call returns at once,
// and the lookup ends unobserved. At most 64 lookups run at the same time; others wait their turn.
result<std::vector<address>> resolve(const context& ctx, std::string_view host);

}  // namespace weft::net

template <>
struct std::is_error_code_enum<weft::net::name_errc> : std::true_type {};
