// elfutils' libdw, loaded when the first address is to be explained.
//
// Not linked: it brings four more libraries, which every program would load at every start for the sake of one that
// crashes, and a program would not start where it is missing. Where it is missing at run time, or was when weft was
// built, addresses are explained by the dynamic symbols alone (dladdr).
#pragma once

#ifdef WEFT_HAS_LIBDW
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

namespace weft::debug {

struct dw_library {
#define WEFT_DW_FUNCTIONS(f)                                                                                           \
  f(dwfl_begin) f(dwfl_end) f(dwfl_report_begin) f(dwfl_report_end) f(dwfl_linux_proc_report) f(dwfl_linux_proc_find_elf)  \
  f(dwfl_core_file_report) f(dwfl_build_id_find_elf) f(dwfl_build_id_find_debuginfo) f(dwfl_addrmodule)                \
  f(dwfl_module_addrinfo) f(dwfl_module_getsrc) f(dwfl_lineinfo) f(dwfl_module_addrdie) f(dwfl_module_getdwarf)        \
  f(dwfl_module_nextcu) f(dwarf_getsrc_die) f(dwarf_lineno) f(dwarf_linesrc)                                            \
  f(dwfl_module_info) f(dwarf_getscopes_die) f(dwarf_dieoffset) f(dwarf_offdie) f(dwarf_tag) f(dwarf_child) f(dwarf_siblingof)        \
  f(dwarf_diename) f(dwarf_attr_integrate) f(dwarf_attr) f(dwarf_formstring) f(dwarf_formref_die) f(dwarf_formudata)   \
  f(dwarf_getsrcfiles) f(dwarf_filesrc) f(dwarf_entrypc) f(dwarf_haspc) f(dwarf_ranges) f(elf_begin) f(elf_end) f(elf_version)
#define WEFT_DW_MEMBER(name) decltype(&::name) name = nullptr;
  WEFT_DW_FUNCTIONS(WEFT_DW_MEMBER)
#undef WEFT_DW_MEMBER
};

// Null: not to be had. Thread-safe; loads at the first call.
const dw_library* dw() noexcept;

}  // namespace weft::debug
#endif
