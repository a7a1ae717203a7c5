#include "arch/unwind_registers.h"

#include <cstring>
#include <ucontext.h>

namespace weft::arch {

#if defined(__x86_64__)

registers registers_of(const void* signal_context) noexcept {
  // In the order of their numbers: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip.
  constexpr int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                           REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  const auto& saved = static_cast<const ucontext_t*>(signal_context)->uc_mcontext.gregs;
  registers all;
  for (unsigned n = 0; n < registers::count; ++n) all.set(n, static_cast<std::uint64_t>(saved[order[n]]));
  return all;
}

registers registers_here() noexcept {
  registers all;
  auto* frame = static_cast<std::uint64_t*>(__builtin_frame_address(0));  // this file keeps frame pointers
  all.set(registers::fp, frame[0]);
  all.set(registers::pc, frame[1]);
  all.set(registers::sp, reinterpret_cast<std::uint64_t>(frame + 2));
  std::uint64_t rbx, r12, r13, r14, r15;
  asm volatile("movq %%rbx, %0\n\tmovq %%r12, %1\n\tmovq %%r13, %2\n\tmovq %%r14, %3\n\tmovq %%r15, %4"
               : "=m"(rbx), "=m"(r12), "=m"(r13), "=m"(r14), "=m"(r15));
  all.set(3, rbx), all.set(12, r12), all.set(13, r13), all.set(14, r14), all.set(15, r15);
  return all;
}

bool is_call(const std::byte* code, std::size_t length, std::uint64_t return_address, std::uint64_t* target) noexcept {
  const auto before = [&](std::size_t n) { return std::to_integer<unsigned>(code[length - n]); };
  *target = 0;
  if (length >= 5 && before(5) == 0xE8) {  // call rel32
    std::int32_t distance;
    std::memcpy(&distance, code + length - 4, 4);
    *target = return_address + static_cast<std::uint64_t>(std::int64_t{distance});
    return true;
  }
  for (std::size_t n = 2; n <= 7 && n <= length; ++n)  // call r/m64: FF /2, with whatever addressing follows
    if (before(n) == 0xFF && (before(n - 1) & 0x38) == 0x10) return true;
  return false;
}

#elif defined(__aarch64__)

registers registers_of(const void* signal_context) noexcept {
  const mcontext_t& saved = static_cast<const ucontext_t*>(signal_context)->uc_mcontext;
  registers all;
  for (unsigned n = 0; n < 31; ++n) all.set(n, saved.regs[n]);
  all.set(registers::sp, saved.sp);
  all.set(registers::pc, saved.pc);
  return all;
}

registers registers_here() noexcept {
  registers all;
  auto* frame = static_cast<std::uint64_t*>(__builtin_frame_address(0));
  all.set(registers::fp, frame[0]);
  all.set(registers::pc, frame[1]);
  all.set(30, frame[1]);
  all.set(registers::sp, reinterpret_cast<std::uint64_t>(__builtin_dwarf_cfa()));
  std::uint64_t kept[10];
  asm volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, #16]\n\tstp x23, x24, [%0, #32]\n\tstp x25, x26, [%0, #48]\n\t"
               "stp x27, x28, [%0, #64]" : : "r"(kept) : "memory");
  for (unsigned n = 0; n < 10; ++n) all.set(19 + n, kept[n]);
  return all;
}

bool is_call(const std::byte* code, std::size_t length, std::uint64_t return_address, std::uint64_t* target) noexcept {
  *target = 0;
  if (length < 4) return false;
  std::uint32_t word;
  std::memcpy(&word, code + length - 4, 4);
  if ((word & 0xFC000000) == 0x94000000) {  // bl
    const auto distance = static_cast<std::int32_t>(word << 6) >> 4;
    *target = return_address - 4 + static_cast<std::uint64_t>(std::int64_t{distance});
    return true;
  }
  return (word & 0xFFFFFC1F) == 0xD63F0000;  // blr
}

#endif

}  // namespace weft::arch
