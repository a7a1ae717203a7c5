#include "debug/dwarf_expression.h"

#include "debug/cfi.h"
#include "debug/dwarf_cursor.h"

namespace weft::debug {
namespace {

class machine {
 public:
  machine(const arch::registers& frame, const stack_window& memory) noexcept : frame_(frame), memory_(memory) {}

  void push(std::uint64_t value) noexcept {
    if (depth_ < deepest) stack_[depth_++] = value;
    else is_wrong_ = true;
  }
  std::uint64_t pop() noexcept {
    if (depth_ > 0) return stack_[--depth_];
    is_wrong_ = true;
    return 0;
  }
  [[nodiscard]] bool is_wrong() const noexcept { return is_wrong_; }

  void one(dwarf_cursor& in) noexcept {
    const auto code = in.fixed<std::uint8_t>();
    if (code >= 0x30 && code <= 0x4F) return push(code - 0x30u);                              // lit0 to lit31
    if (code >= 0x70 && code <= 0x8F) return push_register(code - 0x70u, in.sleb());          // breg0 to breg31
    if (code >= 0x08 && code <= 0x11) return push(constant(code, in));
    if (code >= 0x19 && code <= 0x27) return arithmetic(code, in);
    if (code >= 0x29 && code <= 0x2E) return compare(code);
    switch (code) {
      case 0x06: return load();                                                               // deref
      case 0x12: push(top()); return;                                                         // dup
      case 0x13: pop(); return;                                                               // drop
      case 0x92: {                                                                            // bregx
        const std::uint64_t number = in.uleb();
        return push_register(number, in.sleb());
      }
      case 0x96: return;                                                                      // nop
      default: is_wrong_ = true;
    }
  }

 private:
  std::uint64_t top() noexcept {
    const std::uint64_t value = pop();
    push(value);
    return value;
  }
  void push_register(std::uint64_t number, std::int64_t offset) noexcept {
    const auto n = static_cast<unsigned>(number);
    if (number < arch::registers::count && frame_.knows(n)) push(frame_.value[n] + static_cast<std::uint64_t>(offset));
    else is_wrong_ = true;
  }
  void load() noexcept {
    std::uint64_t word = 0;
    if (!memory_.read(pop(), word)) is_wrong_ = true;
    push(word);
  }
  static std::uint64_t constant(std::uint8_t code, dwarf_cursor& in) noexcept {
    switch (code) {
      case 0x08: return in.fixed<std::uint8_t>();
      case 0x09: return static_cast<std::uint64_t>(std::int64_t{in.fixed<std::int8_t>()});
      case 0x0A: return in.fixed<std::uint16_t>();
      case 0x0B: return static_cast<std::uint64_t>(std::int64_t{in.fixed<std::int16_t>()});
      case 0x0C: return in.fixed<std::uint32_t>();
      case 0x0D: return static_cast<std::uint64_t>(std::int64_t{in.fixed<std::int32_t>()});
      case 0x10: return in.uleb();
      case 0x11: return static_cast<std::uint64_t>(in.sleb());
      default: return in.fixed<std::uint64_t>();
    }
  }
  void arithmetic(std::uint8_t code, dwarf_cursor& in) noexcept {
    if (code == 0x23) return push(pop() + in.uleb());  // plus_uconst
    const std::uint64_t right = pop();
    const bool is_unary = code == 0x1F || code == 0x20;
    const std::uint64_t left = is_unary ? 0 : pop();
    switch (code) {
      case 0x1A: return push(left & right);
      case 0x1C: return push(left - right);
      case 0x1E: return push(left * right);
      case 0x1F: return push(0 - right);
      case 0x20: return push(~right);
      case 0x21: return push(left | right);
      case 0x22: return push(left + right);
      case 0x24: return push(right < 64 ? left << right : 0);
      case 0x25: return push(right < 64 ? left >> right : 0);
      case 0x27: return push(left ^ right);
      default: is_wrong_ = true;
    }
  }
  void compare(std::uint8_t code) noexcept {
    const auto right = static_cast<std::int64_t>(pop()), left = static_cast<std::int64_t>(pop());
    const bool truths[] = {left == right, left >= right, left > right, left <= right, left < right, left != right};
    push(truths[code - 0x29] ? 1 : 0);
  }

  static constexpr unsigned deepest = 16;
  const arch::registers& frame_;
  const stack_window& memory_;
  std::uint64_t stack_[deepest] = {};
  unsigned depth_ = 0;
  bool is_wrong_ = false;
};

}  // namespace

bool evaluate(const std::byte* program, std::size_t size, const arch::registers& frame, const stack_window& memory,
              const std::uint64_t* initial, std::uint64_t& result) noexcept {
  dwarf_cursor in(program, program + size, 0);
  machine state(frame, memory);
  if (initial) state.push(*initial);
  while (!in.at_end() && !in.failed() && !state.is_wrong()) state.one(in);
  result = state.pop();
  return !in.failed() && !state.is_wrong();
}

}  // namespace weft::debug
