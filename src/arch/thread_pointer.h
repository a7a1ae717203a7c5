// Reading a thread_local so that the compiler can keep neither its value nor its address.
//
// GCC and Clang may compute the address of a thread_local once and use it again after a call, also when that call parked
// the goroutine and resumed it on another thread. The runtime's own thread_local is therefore read by an instruction the
// compiler cannot see into, at the place where it is needed: two loads.
#pragma once

namespace weft::arch {

// WEFT_READ_TLS(pointer, symbol): pointer = the calling thread's value of `symbol`, an extern "C" thread_local pointer
// with the initial-exec model.
#if defined(__x86_64__)
#define WEFT_READ_TLS(result, symbol)                     \
  asm volatile("movq " #symbol "@gottpoff(%%rip), %0\n\t" \
               "movq %%fs:(%0), %0"                       \
               : "=r"(result))
#elif defined(__aarch64__)
#define WEFT_READ_TLS(result, symbol)                          \
  do {                                                         \
    void* weft_thread_pointer;                                 \
    asm volatile("mrs %1, tpidr_el0\n\t"                       \
                 "adrp %0, :gottprel:" #symbol "\n\t"          \
                 "ldr %0, [%0, :gottprel_lo12:" #symbol "]\n\t" \
                 "ldr %0, [%1, %0]"                            \
                 : "=&r"(result), "=&r"(weft_thread_pointer)); \
  } while (false)
#endif

}  // namespace weft::arch
