// What those outside the process need in order to find goroutines in its memory: `weft ps`, `weft stack` and the gdb
// script (tools/gdb), on live processes and on core files, stripped or not.
//
// One constant table says where things are: addresses of the roots, and by name the offset and width of each field. It is
// built from the structures themselves by offsetof, so it is right by construction, and a reader that looks names up
// needs no debug information and survives structures that change. It is found through an ELF note (arch/debugger.S),
// which strip keeps and which lies in the first page of the program, where core files have it.
//
//   Y1  A name keeps its meaning while `version` stays. Names may be added; a reader does without those it does not find.
//   Y2  The table holds no pointer to text: what it says is also in core files, which have no read-only pages.
// Refused: DWARF (stripped programs have none, and reading it costs seconds); a thread in the process that answers (a stuck
// process is the one that is asked).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::sched {

inline constexpr std::uint32_t debug_layout_version = 2;  // also in arch/debugger.S

struct layout_entry {
  char name[30];       // "goroutine.since_ns"; "goroutine" is the structure itself
  char kind;           // 'f' field: number is its offset; 's' structure: its size; 'n' number; 'a' address
  std::uint8_t width;  // of a field, in bytes
  union {
    std::uint64_t number;
    const void* address;
  };
};
static_assert(sizeof(layout_entry) == 40 || sizeof(void*) != 8);

struct layout_reason {
  char text[24];
};

// The head is the same in all versions.
struct layout_head {
  char magic[8];  // "weft-lay"
  std::uint32_t version;
  std::uint32_t entries;
  std::uint32_t entry_bytes;
  std::uint32_t reasons;       // texts of wait_reason, behind the entries
  std::uint32_t reason_bytes;
  std::uint32_t reserved;
};

// With inspection: lets every process of this user look at this one's memory, also where Yama would only let a parent.
void open_to_debuggers(bool inspection) noexcept;

}  // namespace weft::sched
