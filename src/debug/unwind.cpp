#include "debug/unwind.h"

#include <dlfcn.h>
#include <link.h>

namespace weft::debug {

using arch::registers;

rule_cache::rule_cache() : slots_(std::make_unique<slot[]>(slots)) {}

const unwind_rule& rule_cache::rule(const code_map& code, std::uint64_t pc) {
  slot& s = slots_[(pc * 0x9E3779B97F4A7C15ULL) >> 53];
  if (s.pc == pc) return s.rule;
  unwind_section section;
  s.rule = code.find(pc, section) ? find_rule(section, pc) : unwind_rule{};
  s.pc = pc;
  return s.rule;
}

namespace {

unwind_rule rule_of(const code_map& code, rule_cache* rules, std::uint64_t pc) {
  if (rules) return rules->rule(code, pc);
  unwind_section section;
  return code.find(pc, section) ? find_rule(section, pc) : unwind_rule{};
}

// Functions without frame information (assembly, generated code): if they keep frame pointers, those are a chain.
bool step_by_frame_pointer(const stack_window& stack, registers& frame) noexcept {
  if (!frame.knows(registers::fp)) return false;
  const std::uint64_t fp = frame.value[registers::fp];
  std::uint64_t outer, back;
  if (fp < frame.value[registers::sp] || !stack.read(fp, outer) || !stack.read(fp + 8, back) || back == 0) return false;
  frame = {};
  frame.set(registers::fp, outer);
  frame.set(registers::sp, fp + 16);
  frame.set(registers::pc, arch::plain_address(back));
  return true;
}

// Of a thread that is blocked in the kernel, only stack pointer and place are known (/proc). A function that finds its frame by
// a frame pointer which nobody below it has saved is found by its return address: the first one up the stack, with a
// plausible frame pointer under it, behind a call of that very function, or in the bottom frame of a goroutine, which jumps
// there (arch/switch_x86_64.S).
bool guess_frame_pointer(const unwind_rule& rule, const stack_window& stack, const code_map& code, rule_cache* rules,
                         registers& frame) noexcept {
  constexpr std::uint64_t farthest = 64 * 1024;
  const std::uint64_t sp = frame.value[registers::sp];
  for (std::uint64_t at = (sp + 7) / 8 * 8; at < sp + farthest; at += 8) {
    std::uint64_t outer, back, target;
    if (!stack.read(at, outer) || !stack.read(at + 8, back)) return false;
    if (outer != 0 && (outer <= at || outer >= stack.high || outer % 8 != 0)) continue;
    back = arch::plain_address(back);
    const std::byte* before = code.code(back - arch::longest_call, arch::longest_call);
    if (!before) continue;
    const bool is_called = arch::is_call(before, arch::longest_call, back, &target) && (target == 0 || target == rule.function);
    const unwind_rule::kind caller = rule_of(code, rules, back - 1).state;
    if (caller == unwind_rule::kind::none || (!is_called && caller != unwind_rule::kind::bottom)) continue;
    frame.set(registers::fp, at);
    return true;
  }
  return false;
}

}  // namespace

walk_result walk(registers frame, const stack_window& stack, const code_map& code, rule_cache* rules,
                 std::span<std::uint64_t> pcs) noexcept {
  walk_result seen;
  bool is_exact = true;  // not behind a call
  while (seen.count < pcs.size()) {
    const std::uint64_t pc = frame.value[registers::pc];
    pcs[seen.count++] = pc;
    const unwind_rule rule = rule_of(code, rules, is_exact ? pc : pc - 1);
    if (rule.state == unwind_rule::kind::bottom) {
      seen.end = walk_end::bottom;
      return seen;
    }
    if (rule.state == unwind_rule::kind::none) {
      if (!step_by_frame_pointer(stack, frame)) return seen;
    } else {
      if (rule.cfa_register == registers::fp && !rule.cfa_expression && !frame.knows(registers::fp))
        guess_frame_pointer(rule, stack, code, rules, frame);
      if (!step(rule, stack, frame)) {
        // Threads begin in functions whose return address is said to be zero, not undefined.
        if (frame.value[registers::pc] == 0) seen.end = walk_end::bottom;
        return seen;
      }
    }
    is_exact = rule.is_signal_frame;
  }
  seen.end = walk_end::cut;
  return seen;
}

namespace {

class own_modules final : public code_map {
 public:
  bool find(std::uint64_t pc, unwind_section& section) const noexcept override {
#ifdef DLFO_STRUCT_HAS_EH_DBASE  // glibc 2.35: no lock
    dl_find_object found;
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0 || !found.dlfo_eh_frame) return false;
    section.bytes = static_cast<const std::byte*>(found.dlfo_map_start);
    section.address = reinterpret_cast<std::uint64_t>(found.dlfo_map_start);
    section.size = static_cast<std::uint64_t>(static_cast<const std::byte*>(found.dlfo_map_end) - section.bytes);
    section.header = reinterpret_cast<std::uint64_t>(found.dlfo_eh_frame);
    return true;
#else
    wanted want{pc, section, false};
    dl_iterate_phdr(look_at_module, &want);
    return want.is_found;
#endif
  }

  const std::byte* code(std::uint64_t address, std::size_t length) const noexcept override {
    unwind_section section;
    if (!find(address, section) || address + length > section.address + section.size) return nullptr;
    return section.bytes + (address - section.address);
  }

#ifndef DLFO_STRUCT_HAS_EH_DBASE
 private:
  struct wanted {
    std::uint64_t pc;
    unwind_section& section;
    bool is_found;
  };
  static int look_at_module(dl_phdr_info* module, std::size_t, void* argument) noexcept {
    auto& want = *static_cast<wanted*>(argument);
    std::uint64_t low = ~std::uint64_t{0}, high = 0, header = 0;
    for (int i = 0; i < module->dlpi_phnum; ++i) {
      const auto& part = module->dlpi_phdr[i];
      const std::uint64_t start = module->dlpi_addr + part.p_vaddr;
      if (part.p_type == PT_GNU_EH_FRAME) header = start;
      if (part.p_type != PT_LOAD) continue;
      if (start < low) low = start;
      if (start + part.p_memsz > high) high = start + part.p_memsz;
    }
    if (header == 0 || want.pc < low || want.pc >= high) return 0;
    want.section = {reinterpret_cast<const std::byte*>(low), low, high - low, header};
    want.is_found = true;
    return 1;
  }
#endif
};

}  // namespace

const code_map& own_code() noexcept {
  static constinit own_modules modules;
  return modules;
}

}  // namespace weft::debug
