// sigaction(2), for those who keep what was there before.
//
// The kernel tells 8 bytes of the former mask; the C library copies 128 from its stack. The others may look like anything,
// also like a handle to a channel, which would then never be called leaked (debug/leaks.h). So they are cleared.
#pragma once

#include <csignal>
#include <cstring>

#ifdef WEFT_TSAN
// glibc's own, by the name that nobody replaces.
extern "C" int __sigaction(int, const struct sigaction*, struct sigaction*) noexcept;
#endif

namespace weft::os {

// For handlers that must run at once. ThreadSanitizer keeps a signal back until its thread calls something of which it knows
// that it blocks; threads that sleep in weft's futexes never do. So it does not learn of these handlers, which is sound for
// such as touch atomics and make system calls only.
inline int set_handler_unseen(int signal, const struct sigaction* ours, struct sigaction* before) noexcept {
#ifdef WEFT_TSAN
  return __sigaction(signal, ours, before);
#else
  return ::sigaction(signal, ours, before);
#endif
}

// False: refused.
inline bool replace_handler(int signal, const struct sigaction& ours, struct sigaction& before,
                            decltype(&::sigaction) set = ::sigaction) noexcept {
  constexpr std::size_t told = 8;
  struct sigaction former{};
  if (set(signal, &ours, &former) != 0) return false;
  std::memset(reinterpret_cast<char*>(&former.sa_mask) + told, 0, sizeof former.sa_mask - told);
  before = former;
  return true;
}

}  // namespace weft::os
