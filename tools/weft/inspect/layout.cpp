#include "inspect/layout.h"

#include <elf.h>

#include <cstddef>

#include "sched/debug_layout.h"

namespace weft::tool {
namespace {

constexpr std::uint32_t note_type = 1;  // arch/debugger.S

// In the notes of one segment: where the table is; 0: not said.
std::uint64_t table_from_notes(std::span<const std::byte> notes, std::uint64_t address) {
  for (std::size_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr head;
    std::memcpy(&head, notes.data() + at, sizeof head);
    const std::size_t name = at + sizeof head, content = name + (std::size_t{head.n_namesz} + 3) / 4 * 4;
    const std::size_t end = content + (std::size_t{head.n_descsz} + 3) / 4 * 4;
    if (end > notes.size() || end <= at) return 0;
    if (head.n_type == note_type && head.n_namesz == 5 && head.n_descsz >= 16 &&
        std::memcmp(notes.data() + name, "weft", 5) == 0) {
      std::uint64_t distance;
      std::memcpy(&distance, notes.data() + content + 8, sizeof distance);
      return address + content + 8 + distance;
    }
    at = end;
  }
  return 0;
}

// The program headers of the ELF file mapped at `start`, as the process has them in memory.
std::uint64_t table_of_module(target& process, std::uint64_t start) {
  const auto head = process.value<Elf64_Ehdr>(start);
  if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_phentsize != sizeof(Elf64_Phdr)) return 0;
  std::vector<Elf64_Phdr> segments(head->e_phnum);
  if (!process.read(start + head->e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) return 0;
  std::uint64_t bias = start;
  for (const Elf64_Phdr& s : segments)
    if (s.p_type == PT_LOAD && s.p_offset == 0) bias = start - s.p_vaddr;
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type != PT_NOTE || s.p_filesz > 65536) continue;
    std::vector<std::byte> notes(s.p_filesz);
    if (!process.read(bias + s.p_vaddr, notes.data(), notes.size())) continue;
    if (const std::uint64_t table = table_from_notes(notes, bias + s.p_vaddr)) return table;
  }
  return 0;
}

}  // namespace

layout::layout(target& process) : target_(process) {
  for (const mapped_file& file : process.files())
    if (file.offset == 0)
      if (const std::uint64_t table = table_of_module(process, file.start)) {
        parse(table);
        return;
      }
  throw inspection_error(process.title() + " does not contain weft (or a version without a layout table)");
}

void layout::parse(std::uint64_t table) {
  const auto head = target_.value<sched::layout_head>(table);
  if (!head || std::memcmp(head->magic, "weft-lay", 8) != 0)
    throw inspection_error("the layout table of " + target_.title() +
                           " cannot be read: is its program file still there?");
  if (head->version != sched::debug_layout_version || head->entry_bytes != sizeof(sched::layout_entry) ||
      head->entries > 10'000)
    throw inspection_error(target_.title() + " was built with another version of weft (layout " +
                           std::to_string(head->version) + ", this command knows " +
                           std::to_string(sched::debug_layout_version) + ");\nuse the weft command that belongs to it");
  std::vector<sched::layout_entry> entries(head->entries);
  std::vector<char> texts(std::size_t{head->reasons} * head->reason_bytes);
  if (!target_.read(table + sizeof *head, entries.data(), entries.size() * sizeof entries[0]) ||
      !target_.read(table + sizeof *head + entries.size() * sizeof entries[0], texts.data(), texts.size()))
    throw inspection_error("the layout table of " + target_.title() + " cannot be read");
  for (const sched::layout_entry& e : entries)
    entries_.emplace(std::string(e.name, ::strnlen(e.name, sizeof e.name)), entry{e.number, e.width});
  for (std::uint32_t i = 0; i < head->reasons; ++i) {
    const char* text = texts.data() + std::size_t{i} * head->reason_bytes;
    reasons_.emplace_back(text, ::strnlen(text, head->reason_bytes));
  }
}

const layout::entry& layout::entry_of(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw inspection_error(target_.title() + ": its layout table has no \"" + std::string(name) +
                           "\";\nuse the weft command that belongs to its version of weft");
  return found->second;
}

}  // namespace weft::tool
