// What debuggers look for in the program file: a note that says where the layout table is (sched/debug_layout.h), and the
// script that gdb loads by itself (tools/gdb/weft_gdb.py), as text: a static library knows of no place where it is installed.
//
// The note's content: version of the table, 0, and the distance from the third word to the table.
        .section .note.weft,"a",%note
        .p2align 2
        .globl  weft_debug_note
        .hidden weft_debug_note
        .type   weft_debug_note, %object
weft_debug_note:
        .4byte  5, 16, 1
        .asciz  "weft"
        .p2align 2
        .4byte  2, 0
        .8byte  weft_debug_layout - .
        .size   weft_debug_note, .-weft_debug_note

// 4: Python text follows, its name up to the first line end. Not loaded into memory; strip removes it.
        .section .debug_gdb_scripts,"MS",%progbits,1
        .byte   4
        .ascii  "weft_gdb.py\n"
        .incbin "weft_gdb.py"
        .byte   0

        .section .note.GNU-stack,"",%progbits
