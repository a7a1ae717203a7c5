// The bottom frame of a goroutine. Unwinders and debuggers stop here: it has no return address. An exception that gets
// this far finds no handler, so std::terminate is called where it was thrown, with the stack intact.
//
// weft_goroutine_main never returns. It is jumped to, its return address pushed by hand: a call would be one that the CPU
// waits for the return of, and the next return, that of whoever is resumed when the goroutine ends, would be mispredicted.
#if defined(__x86_64__)
        .text
        .globl  weft_goroutine_start
        .hidden weft_goroutine_start
        .type   weft_goroutine_start, @function
        .p2align 4
weft_goroutine_start:
        .cfi_startproc
        .cfi_undefined rip
        .cfi_undefined rbp
        leaq    1f(%rip), %rax
        pushq   %rax
        jmp     weft_goroutine_main
1:      ud2
        .cfi_endproc
        .size   weft_goroutine_start, .-weft_goroutine_start
#endif
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",%progbits
#endif
