#include "inspect/remote_code.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace weft::tool {

remote_code::module remote_code::load(std::uint64_t start) const {
  module made;
  const auto head = process_.value<Elf64_Ehdr>(start);
  if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_phentsize != sizeof(Elf64_Phdr)) return made;
  std::vector<Elf64_Phdr> segments(head->e_phnum);
  if (!process_.read(start + head->e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) return made;
  std::uint64_t bias = start, header = 0;
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type == PT_LOAD && s.p_offset == 0) bias = start - s.p_vaddr;
    if (s.p_type == PT_GNU_EH_FRAME) header = s.p_vaddr;
  }
  made.low = ~std::uint64_t{0};
  for (const Elf64_Phdr& s : segments) {
    if (s.p_type != PT_LOAD) continue;
    made.low = std::min(made.low, bias + s.p_vaddr);
    made.high = std::max(made.high, bias + s.p_vaddr + s.p_memsz);
    if (header < s.p_vaddr || header >= s.p_vaddr + s.p_filesz || header == 0) continue;
    made.address = bias + s.p_vaddr;
    made.header = bias + header;
    made.bytes.resize(s.p_filesz);
    if (!process_.read(made.address, made.bytes.data(), made.bytes.size())) made.bytes.clear();
  }
  return made;
}

const remote_code::module* remote_code::module_of(std::uint64_t pc) const {
  if (!has_modules_) {
    has_modules_ = true;
    for (const mapped_file& file : process_.files())
      if (file.offset == 0) modules_.push_back(load(file.start));
  }
  for (const module& m : modules_)
    if (pc >= m.low && pc < m.high) return &m;
  return nullptr;
}

bool remote_code::find(std::uint64_t pc, debug::unwind_section& section) const noexcept {
  const module* home = module_of(pc);
  if (!home || home->bytes.empty()) return false;
  section = {home->bytes.data(), home->address, home->bytes.size(), home->header};
  return true;
}

const std::byte* remote_code::code(std::uint64_t address, std::size_t length) const noexcept {
  const auto [entry, is_new] = code_.try_emplace({address, length});
  if (is_new) {
    entry->second.resize(length);
    if (!process_.read(address, entry->second.data(), length)) entry->second.clear();
  }
  return entry->second.empty() ? nullptr : entry->second.data();
}

}  // namespace weft::tool
