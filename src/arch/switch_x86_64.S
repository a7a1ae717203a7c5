// The bottom frame of a goroutine. Unwinders and debuggers stop here: it has no return address. An exception that gets
// this far finds no handler, so std::terminate is called where it was thrown, with the stack intact.
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
        call    weft_goroutine_main
        ud2
        .cfi_endproc
        .size   weft_goroutine_start, .-weft_goroutine_start
#endif
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",%progbits
#endif
