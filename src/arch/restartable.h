// A compare and a store that the kernel starts again when the thread was interrupted between the two: a restartable sequence
// (rseq(2), Linux 4.18; the area of each thread is glibc's). What sync/restartable.h makes of it is told there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/atomic.h"

namespace weft::arch {

#if defined(__x86_64__) && !defined(WEFT_TSAN)

inline constexpr bool has_restartable = true;

// word = desired, with release order, if `is_allowed` is not 0 and the word is `expected`. False: they are not, or the kernel
// does not know of this thread. `area`: the distance of the thread's struct rseq from its thread pointer.
//
// The sequence is all between 1 and 2; the store is its last instruction. The signature before the place to which the kernel
// jumps is the one that glibc has registered.
[[gnu::always_inline]] inline bool compare_and_store(base::atomic<std::uintptr_t>& word, std::uintptr_t expected,
                                                     std::uintptr_t desired, std::ptrdiff_t area,
                                                     const base::atomic<std::uint32_t>& is_allowed) noexcept {
  static_assert(sizeof word == sizeof(std::uintptr_t) && sizeof is_allowed == sizeof(std::uint32_t));
again:
  asm goto(
      ".pushsection .data.rel.ro.weft_rseq, \"aw\"\n\t"
      ".p2align 5\n"
      "3:\n\t"
      ".long 0, 0\n\t"
      ".quad 1f, 2f - 1f, 4f\n\t"
      ".popsection\n\t"
      "cmpl $0, %%fs:4(%[area])\n\t"  // cpu_id: negative where the thread is not registered
      "js %l[differs]\n\t"
      "leaq 3b(%%rip), %%rax\n\t"
      "movq %%rax, %%fs:8(%[area])\n"  // rseq_cs; the kernel clears it when it finds the thread elsewhere
      "1:\n\t"
      "cmpl $0, %[is_allowed]\n\t"
      "je %l[differs]\n\t"
      "cmpq %[expected], %[word]\n\t"
      "jne %l[differs]\n\t"
      "movq %[desired], %[word]\n"  // x86-64 stores are not reordered: release
      "2:\n\t"
      ".pushsection .text.unlikely, \"ax\"\n\t"
      ".byte 0x0f, 0xb9, 0x3d\n\t"  // makes the signature an instruction
      ".long 0x53053053\n"
      "4:\n\t"
      "jmp %l[again]\n\t"
      ".popsection"
      :
      : [word] "m"(word), [is_allowed] "m"(is_allowed), [expected] "r"(expected), [desired] "re"(desired), [area] "r"(area)
      : "rax", "memory", "cc"
      : differs, again);
  return true;
differs:
  return false;
}

#else

inline constexpr bool has_restartable = false;
inline bool compare_and_store(base::atomic<std::uintptr_t>&, std::uintptr_t, std::uintptr_t, std::ptrdiff_t,
                              const base::atomic<std::uint32_t>&) noexcept {
  return false;
}

#endif

}  // namespace weft::arch
