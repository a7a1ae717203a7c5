// The registers that unwinding needs, by the numbers that call frame information gives them (System V ABI for x86-64,
// figure 3.36; DWARF for the Arm 64-bit architecture, table 1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::arch {

struct registers {
#if defined(__x86_64__)
  static constexpr unsigned count = 17, sp = 7, fp = 6, pc = 16;
#elif defined(__aarch64__)
  static constexpr unsigned count = 33, sp = 31, fp = 29, pc = 32;
#endif
  std::uint64_t value[count] = {};
  std::uint64_t known = 0;  // bit n: register n has the value it had in the frame

  [[nodiscard]] bool knows(unsigned n) const noexcept { return n < count && ((known >> n) & 1) != 0; }
  void set(unsigned n, std::uint64_t to) noexcept {
    value[n] = to;
    known |= std::uint64_t{1} << n;
  }
  void forget(unsigned n) noexcept { known &= ~(std::uint64_t{1} << n); }
};

// What a signal handler was given as its third argument.
registers registers_of(const void* signal_context) noexcept;

// The caller's registers, as at the return of this call.
[[gnu::noinline]] registers registers_here() noexcept;

// Does a call end right before `return_address`? `code` are the `length` bytes before it. For a direct call *target becomes
// the function called, else 0.
bool is_call(const std::byte* code, std::size_t length, std::uint64_t return_address, std::uint64_t* target) noexcept;
inline constexpr std::size_t longest_call = 8;  // bytes

// A return address as saved, without the signature that some CPUs keep in its upper bits.
inline std::uint64_t plain_address(std::uint64_t saved) noexcept {
#if defined(__aarch64__)
  return saved & ((std::uint64_t{1} << 48) - 1);
#else
  return saved;
#endif
}

}  // namespace weft::arch
