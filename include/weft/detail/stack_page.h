// Which stack the caller is on, as one number that costs no load: the page it stands on. A lock keeps its holder's in its
// own word, and reports of deadlocks find the goroutine or the thread by it.
//
// A stack begins and ends with a page, so the page tells the stack. Who unlocks mostly stands on the page on which it
// locked, in the same function: the page is then also what unlock expects to find. It need not be so, and nothing but
// speed may depend on it.
#pragma once

#include <cstdint>

namespace weft::detail {

inline constexpr std::uintptr_t stack_page_size = 4096;  // no page of a stack is smaller

[[gnu::always_inline]] inline std::uintptr_t stack_page_of(const void* address) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) & ~(stack_page_size - 1);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_LOCALS_MAY_LIE_ELSEWHERE
#endif
#endif

// In inlined code, which need not have a frame of its own: by something that lies in the caller's.
[[gnu::always_inline]] inline std::uintptr_t stack_page() noexcept {
#if defined(__SANITIZE_ADDRESS__) || defined(WEFT_LOCALS_MAY_LIE_ELSEWHERE)  // in frames that are checked after return
  return stack_page_of(__builtin_frame_address(0));
#else
  char here;
  return reinterpret_cast<std::uintptr_t>(&here) & ~(stack_page_size - 1);  // no call: it would be warned of as uninitialised
#endif
}
#undef WEFT_LOCALS_MAY_LIE_ELSEWHERE

}  // namespace weft::detail
