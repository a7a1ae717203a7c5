// The bottom frame of a goroutine: see switch_x86_64.S.
#if defined(__aarch64__)
        .text
        .globl  weft_goroutine_start
        .hidden weft_goroutine_start
        .type   weft_goroutine_start, %function
        .p2align 4
weft_goroutine_start:
        .cfi_startproc
        .cfi_undefined x30
        .cfi_undefined x29
        adr     x30, 1f
        b       weft_goroutine_main
1:      brk     #1
        .cfi_endproc
        .size   weft_goroutine_start, .-weft_goroutine_start
#endif
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack,"",%progbits
#endif
