// A thread's registers as the kernel gives them to debuggers and writes them into core files, in DWARF's numbers.
#pragma once

#include <sys/user.h>

#include "arch/unwind_registers.h"

namespace weft::tool {

inline arch::registers registers_of(const user_regs_struct& user) noexcept {
  arch::registers r;
#if defined(__x86_64__)
  const unsigned long long in_order[] = {user.rax, user.rdx, user.rcx, user.rbx, user.rsi, user.rdi,
                                         user.rbp, user.rsp, user.r8,  user.r9,  user.r10, user.r11,
                                         user.r12, user.r13, user.r14, user.r15, user.rip};
  for (unsigned n = 0; n < r.count; ++n) r.set(n, in_order[n]);
#elif defined(__aarch64__)
  for (unsigned n = 0; n < 31; ++n) r.set(n, user.regs[n]);
  r.set(r.sp, user.sp);
  r.set(r.pc, user.pc);
#endif
  return r;
}

}  // namespace weft::tool
