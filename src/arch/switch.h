// Switching stacks: save where we are, continue where somebody else was.
//
// The switch is inlined into park, yield and the scheduler loop. It saves three registers (stack pointer, frame pointer,
// resume address) and tells the compiler that every other register is lost, so the compiler saves exactly what lives at
// that place, usually nothing. The resume address is jumped to: a `ret` after a stack change always mispredicts.
//
// The contract of a park, for the code above it:
//   kept      general and vector registers as in any function call, and the stack
//   not kept  MXCSR and the x87 control word (x86-64), FPCR (aarch64): rounding mode and exception masks belong to the
//             thread. A goroutine that changes them restores them before it blocks. Saving them would cost more than
//             the rest of the switch.
//   not kept  errno and the addresses of thread_locals: see sched/worker.h.
//   Shadow stacks (CET SHSTK, GCS) and BTI-enforced pages are not supported.
//
//   A1  A context is saved once and resumed once. `sp` is null from the resume to the next save.
//   A2  `sp` is stored last, with release order: who reads a non-null `sp` with acquire order may resume the context,
//       even while the thread that saved it is still on its way off that stack: it touches the stack no more.
//
// Refused: a switch behind a call (8.9 ns against 1.0), makecontext/swapcontext (two system calls).
// A1 and A2 are checked by tests/model/park_model.cpp.
#pragma once

#include <cstddef>

#include "base/atomic.h"
#include "base/pause.h"

namespace weft::arch {

struct context {
  base::atomic<void*> sp{nullptr};
  void* pc = nullptr;
  void* fp = nullptr;
};
static_assert(sizeof(context) == 3 * sizeof(void*));

inline constexpr std::size_t saved_bytes = sizeof(context);

extern "C" void weft_goroutine_start();  // switch_<cpu>.S: the bottom frame; calls weft_goroutine_main()

// Makes `fresh` start at the bottom of a stack. `top` is aligned to 16.
inline void prepare(context& fresh, void* top) noexcept {
  fresh.pc = reinterpret_cast<void*>(&weft_goroutine_start);
  fresh.fp = nullptr;
  fresh.sp.store(top, base::release);
}

// The same for one that its maker starts at once: `top` is the permit, which he has taken. REQUIRES: fresh.sp is null.
inline void prepare_taken(context& fresh) noexcept {
  fresh.pc = reinterpret_cast<void*>(&weft_goroutine_start);
  fresh.fp = nullptr;
}

// Takes the permit to resume `target` (A1, A2); null while its last runner has not left its stack yet.
inline void* try_take(context& target) noexcept {
  void* sp = target.sp.load(base::acquire);
  if (sp) [[likely]] target.sp.store(nullptr, base::relaxed);
  return sp;
}

// Saves into `from` and resumes `to`, whose permit `to_sp` was taken. Returns when somebody resumes `from`, perhaps on
// another thread.
[[gnu::always_inline]] inline void switch_to(context& from, context& to, void* to_sp) noexcept {
#if defined(__x86_64__)
  auto* save = &from;
  auto* load = &to;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rax, 8(%[save])\n\t"
      "movq %%rbp, 16(%[save])\n\t"
      "movq %%rsp, 0(%[save])\n\t"  // x86-64 stores are not reordered: this is the release of A2
      "movq %[sp], %%rsp\n\t"
      "movq 16(%[load]), %%rbp\n\t"
      "jmpq *8(%[load])\n\t"
      ".p2align 4\n"
      "1:\n\t"
      : [save] "+D"(save), [load] "+S"(load), [sp] "+d"(to_sp)
      :
      : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3",
        "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
#ifdef __AVX512F__
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
        "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#endif
        "memory", "cc");
#elif defined(__aarch64__)
  register context* save asm("x0") = &from;
  register context* load asm("x1") = &to;
  register void* sp asm("x2") = to_sp;
  asm volatile(
      "adr x9, 1f\n\t"
      "mov x10, sp\n\t"
      "str x9, [x0, #8]\n\t"
      "str x29, [x0, #16]\n\t"
      "stlr x10, [x0]\n\t"
      "mov sp, x2\n\t"
      "ldr x29, [x1, #16]\n\t"
      "ldr x9, [x1, #8]\n\t"
      "br x9\n"
      "1:\n\t"
      : "+r"(save), "+r"(load), "+r"(sp)
      :
      : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
        "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4",
        "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
        "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
#else
#error "weft runs on x86-64 and aarch64; a new CPU needs this switch, a switch_<cpu>.S and arch/thread_pointer.h"
#endif
}

// The same for whoever needs not come back: nothing is saved.
[[noreturn, gnu::always_inline]] inline void switch_for_good(context& to, void* to_sp) noexcept {
#if defined(__x86_64__)
  asm volatile(
      "movq %[sp], %%rsp\n\t"
      "movq 16(%[load]), %%rbp\n\t"
      "jmpq *8(%[load])\n"
      :
      : [load] "S"(&to), [sp] "d"(to_sp)
      : "memory");
#elif defined(__aarch64__)
  register context* load asm("x1") = &to;
  register void* sp asm("x2") = to_sp;
  asm volatile(
      "mov sp, x2\n\t"
      "ldr x29, [x1, #16]\n\t"
      "ldr x9, [x1, #8]\n\t"
      "br x9\n"
      :
      : "r"(load), "r"(sp)
      : "memory");
#endif
  __builtin_unreachable();  // GCOVR_EXCL_LINE: by its nature
}

}  // namespace weft::arch
