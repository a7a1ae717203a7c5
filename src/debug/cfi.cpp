#include "debug/cfi.h"

#include <cstring>

#include "debug/dwarf_cursor.h"
#include "debug/dwarf_expression.h"

namespace weft::debug {
namespace {

using arch::registers;

struct table_state {
  register_rule rules[registers::count];
  std::uint64_t cfa_register = 0;
  std::int64_t cfa_offset = 0;
  const std::byte* cfa_expression = nullptr;
  std::uint64_t cfa_expression_size = 0;
};

// One description entry (FDE) with what it shares with others (CIE).
struct entry {
  std::uint64_t code_align = 1;
  std::int64_t data_align = 1;
  std::uint64_t return_column = 0;
  std::uint8_t pointer_encoding = 0;
  bool is_signal_frame = false;
  bool has_data = false;                // 'z': the language's data precedes the program
  std::uint64_t begin = 0, length = 0;  // of the function
  dwarf_cursor common, own;             // the two programs
};

dwarf_cursor at(const unwind_section& section, std::uint64_t address) noexcept {
  if (address < section.address || address >= section.address + section.size) return {};
  return {section.bytes + (address - section.address), section.bytes + section.size, address};
}

// The length word of an entry: a cursor over just that entry.
dwarf_cursor open_entry(dwarf_cursor in) noexcept {
  std::uint64_t length = in.fixed<std::uint32_t>();
  if (length == 0xFFFFFFFF) length = in.fixed<std::uint64_t>();
  return in.limited_to(length);
}

bool read_common(dwarf_cursor in, entry& out) noexcept {
  in = open_entry(in);
  if (in.fixed<std::uint32_t>() != 0) return false;  // not a CIE
  const auto version = in.fixed<std::uint8_t>();
  const char* augmentation = in.text();
  if (in.failed() || (version != 1 && version != 3)) return false;
  out.code_align = in.uleb();
  out.data_align = in.sleb();
  out.return_column = version == 1 ? in.fixed<std::uint8_t>() : in.uleb();
  if (*augmentation == 'z') {
    out.has_data = true;
    dwarf_cursor data = in.limited_to(in.uleb());
    in.skip_to(data.end());
    for (const char* c = augmentation + 1; *c; ++c) {
      if (*c == 'R') out.pointer_encoding = data.fixed<std::uint8_t>();
      else if (*c == 'L') data.fixed<std::uint8_t>();
      else if (*c == 'P') data.encoded(data.fixed<std::uint8_t>());
      else if (*c == 'S') out.is_signal_frame = true;
      else if (*c != 'B') return false;  // B: return addresses may be signed (aarch64)
    }
  } else if (*augmentation != '\0') {
    return false;
  }
  out.common = in;
  return !in.failed();
}

bool read_entry(const unwind_section& section, std::uint64_t address, entry& out) noexcept {
  dwarf_cursor in = open_entry(at(section, address));
  const std::uint64_t here = in.address();
  const std::uint64_t distance = in.fixed<std::uint32_t>();
  if (in.failed() || distance == 0 || !read_common(at(section, here - distance), out)) return false;
  out.begin = in.encoded(out.pointer_encoding);
  out.length = in.encoded(out.pointer_encoding & 0x0F);
  if (out.has_data) in.skip(in.uleb());
  out.own = in;
  return !in.failed();
}

// The last function of the sorted table that begins at or before pc; 0: none.
std::uint64_t find_entry(const unwind_section& section, std::uint64_t pc) noexcept {
  dwarf_cursor in = at(section, section.header);
  if (in.fixed<std::uint8_t>() != 1) return 0;
  const auto frames_encoding = in.fixed<std::uint8_t>(), count_encoding = in.fixed<std::uint8_t>(),
             table_encoding = in.fixed<std::uint8_t>();
  constexpr std::uint8_t relative_to_header_4_bytes = 0x3B;  // what every linker writes
  if (table_encoding != relative_to_header_4_bytes) return 0;
  in.encoded(frames_encoding);
  const std::uint64_t count = in.encoded(count_encoding);
  if (in.failed() || count == 0 || count > section.size / 8) return 0;
  const std::uint64_t table = in.address();
  const auto word = [&](std::uint64_t index) {
    return section.header + static_cast<std::uint64_t>(std::int64_t{at(section, table + index * 4).fixed<std::int32_t>()});
  };
  std::uint64_t low = 0, high = count;
  while (low + 1 < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (word(2 * middle) <= pc) low = middle;
    else high = middle;
  }
  return word(2 * low) <= pc ? word(2 * low + 1) : 0;
}

// Runs one program up to the row that holds at pc.
class program {
 public:
  program(const entry& e, std::uint64_t pc) noexcept : entry_(e), pc_(pc), at_(e.begin) {}

  bool run(dwarf_cursor in, const table_state* initial) noexcept {
    initial_ = initial;
    while (!in.at_end() && !in.failed() && at_ <= pc_)
      if (!one(in)) return false;
    return !in.failed();
  }
  table_state now;

 private:
  bool one(dwarf_cursor& in) noexcept {
    const auto code = in.fixed<std::uint8_t>();
    const std::uint8_t low = code & 0x3F;
    switch (code >> 6) {
      case 1: advance(low); return true;
      case 2: set(low, offset_rule(static_cast<std::int64_t>(in.uleb()))); return true;
      case 3: restore(low); return true;
      default: return low <= 0x0B ? low_code(low, in) : high_code(low, in);
    }
  }

  bool low_code(std::uint8_t code, dwarf_cursor& in) noexcept {
    switch (code) {
      case 0x00: return true;
      case 0x01: at_ = in.encoded(entry_.pointer_encoding); return true;
      case 0x02: advance(in.fixed<std::uint8_t>()); return true;
      case 0x03: advance(in.fixed<std::uint16_t>()); return true;
      case 0x04: advance(in.fixed<std::uint32_t>()); return true;
      case 0x05: return with_register(in, [&](std::uint64_t r) { set(r, offset_rule(static_cast<std::int64_t>(in.uleb()))); });
      case 0x06: return with_register(in, [&](std::uint64_t r) { restore(r); });
      case 0x07: return with_register(in, [&](std::uint64_t r) { set(r, {register_rule::kind::undefined}); });
      case 0x08: return with_register(in, [&](std::uint64_t r) { set(r, {}); });
      case 0x09: return with_register(in, [&](std::uint64_t r) {
        set(r, {register_rule::kind::in_register, static_cast<std::uint8_t>(in.uleb())});
      });
      case 0x0A: return depth_ < deepest ? (remembered_[depth_++] = now, true) : false;
      default: return depth_ > 0 ? (now = remembered_[--depth_], true) : false;  // 0x0B
    }
  }

  bool high_code(std::uint8_t code, dwarf_cursor& in) noexcept {
    switch (code) {
      case 0x0C: now.cfa_register = in.uleb(); return set_cfa(static_cast<std::int64_t>(in.uleb()));
      case 0x0D: now.cfa_register = in.uleb(); return true;
      case 0x0E: return set_cfa(static_cast<std::int64_t>(in.uleb()));
      case 0x0F:
        now.cfa_expression_size = in.uleb();
        now.cfa_expression = in.position();
        in.skip(now.cfa_expression_size);
        return true;
      case 0x10: return with_register(in, [&](std::uint64_t r) { set(r, expression(register_rule::kind::at_expression, in)); });
      case 0x11: return with_register(in, [&](std::uint64_t r) { set(r, offset_rule(in.sleb())); });
      case 0x12: now.cfa_register = in.uleb(); return set_cfa(in.sleb() * entry_.data_align);
      case 0x13: return set_cfa(in.sleb() * entry_.data_align);
      case 0x14: return with_register(in, [&](std::uint64_t r) { set(r, value_rule(static_cast<std::int64_t>(in.uleb()))); });
      case 0x15: return with_register(in, [&](std::uint64_t r) { set(r, value_rule(in.sleb())); });
      case 0x16: return with_register(in, [&](std::uint64_t r) { set(r, expression(register_rule::kind::is_expression, in)); });
      case 0x2D: return true;  // aarch64: return addresses are signed from here on, or no longer; see step()
      case 0x2E: in.uleb(); return true;  // size of the arguments: for throwing only
      case 0x2F: return with_register(in, [&](std::uint64_t r) { set(r, offset_rule(-static_cast<std::int64_t>(in.uleb()))); });
      default: return false;
    }
  }

  template <class F>
  bool with_register(dwarf_cursor& in, F&& act) noexcept {
    const std::uint64_t number = in.uleb();
    act(number);
    return number < 4096;
  }
  void advance(std::uint64_t steps) noexcept { at_ += steps * entry_.code_align; }
  bool set_cfa(std::int64_t offset) noexcept {
    now.cfa_offset = offset;
    now.cfa_expression = nullptr;
    return true;
  }
  void set(std::uint64_t number, register_rule rule) noexcept {  // vector registers are read and forgotten
    if (number < registers::count) now.rules[number] = rule;
  }
  void restore(std::uint64_t number) noexcept {
    if (number < registers::count) now.rules[number] = initial_ ? initial_->rules[number] : register_rule{};
  }
  register_rule offset_rule(std::int64_t factored) const noexcept {
    return {register_rule::kind::at_offset, 0, static_cast<std::int32_t>(factored * entry_.data_align)};
  }
  register_rule value_rule(std::int64_t factored) const noexcept {
    return {register_rule::kind::is_offset, 0, static_cast<std::int32_t>(factored * entry_.data_align)};
  }
  static register_rule expression(register_rule::kind how, dwarf_cursor& in) noexcept {
    const std::uint64_t size = in.uleb();
    const register_rule rule{how, 0, static_cast<std::int32_t>(size), in.position()};
    in.skip(size);
    return rule;
  }

  static constexpr int deepest = 4;
  const entry& entry_;
  const std::uint64_t pc_;
  std::uint64_t at_;
  const table_state* initial_ = nullptr;
  table_state remembered_[deepest];
  int depth_ = 0;
};

unwind_rule compact(const entry& e, const table_state& row) noexcept {
  unwind_rule rule;
  rule.is_signal_frame = e.is_signal_frame;
  rule.return_column = static_cast<std::uint8_t>(e.return_column);
  rule.function = e.begin;
  rule.cfa_register = static_cast<std::uint8_t>(row.cfa_register);
  rule.cfa_expression = row.cfa_expression;
  rule.cfa_offset = static_cast<std::int32_t>(row.cfa_expression ? row.cfa_expression_size : row.cfa_offset);
  for (unsigned n = 0; n < registers::count; ++n) {
    if (row.rules[n].how == register_rule::kind::same) continue;
    if (rule.count == unwind_rule::most) return unwind_rule();
    rule.number[rule.count] = static_cast<std::uint8_t>(n);
    rule.rules[rule.count++] = row.rules[n];
    if (n == e.return_column && row.rules[n].how == register_rule::kind::undefined) rule.state = unwind_rule::kind::bottom;
  }
  if (rule.state == unwind_rule::kind::none && e.return_column < registers::count) rule.state = unwind_rule::kind::usable;
  return rule;
}

}  // namespace

unwind_rule find_rule(const unwind_section& section, std::uint64_t pc) noexcept {
  const std::uint64_t address = find_entry(section, pc);
  entry e;
  if (address == 0 || !read_entry(section, address, e)) return unwind_rule();
  if (pc < e.begin || pc >= e.begin + e.length) return unwind_rule();
  program interpreter(e, pc);
  // What all functions of the kind start with takes no place in the code, so all of it runs.
  if (!interpreter.run(e.common, nullptr)) return unwind_rule();
  const table_state initial = interpreter.now;
  if (!interpreter.run(e.own, &initial)) return unwind_rule();
  return compact(e, interpreter.now);
}

bool stack_window::read(std::uint64_t address, std::uint64_t& word) const noexcept {
  if (address < low || high - low < sizeof word || address > high - sizeof word) return false;
  std::memcpy(&word, bytes + (address - low), sizeof word);
  return true;
}

bool step(const unwind_rule& rule, const stack_window& stack, registers& frame) noexcept {
  if (rule.state != unwind_rule::kind::usable) return false;
  std::uint64_t cfa;
  if (rule.cfa_expression) {
    if (!evaluate(rule.cfa_expression, static_cast<std::size_t>(rule.cfa_offset), frame, stack, nullptr, cfa)) return false;
  } else {
    if (!frame.knows(rule.cfa_register)) return false;
    cfa = frame.value[rule.cfa_register] + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset});
  }
  registers caller = frame;
  caller.set(registers::sp, cfa);
  for (unsigned i = 0; i < rule.count; ++i) {
    const register_rule& r = rule.rules[i];
    const unsigned n = rule.number[i];
    std::uint64_t value = cfa + static_cast<std::uint64_t>(std::int64_t{r.offset});
    bool is_known = true;
    switch (r.how) {
      case register_rule::kind::same: continue;
      case register_rule::kind::undefined: is_known = false; break;
      case register_rule::kind::at_offset:
        if (stack.on_saved) stack.on_saved(stack.argument, value);
        is_known = stack.read(value, value);
        break;
      case register_rule::kind::is_offset: break;
      case register_rule::kind::in_register: is_known = frame.knows(r.other), value = is_known ? frame.value[r.other] : 0; break;
      case register_rule::kind::at_expression:
      case register_rule::kind::is_expression:
        is_known = evaluate(r.expression, static_cast<std::size_t>(r.offset), frame, stack, &cfa, value) &&
                   (r.how == register_rule::kind::is_expression || stack.read(value, value));
    }
    if (is_known) caller.set(n, value);
    else caller.forget(n);
  }
  if (!caller.knows(rule.return_column)) return false;
  caller.set(registers::pc, arch::plain_address(caller.value[rule.return_column]));
  const bool makes_progress = caller.value[registers::sp] > frame.value[registers::sp] ||
                              (caller.value[registers::sp] == frame.value[registers::sp] &&
                               caller.value[registers::pc] != frame.value[registers::pc]);
  frame = caller;
  return makes_progress && frame.value[registers::pc] != 0;
}

}  // namespace weft::debug
