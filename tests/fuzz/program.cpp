#include "program.h"

#include <random>

namespace fuzz {
namespace {

class byte_source {
 public:
  explicit byte_source(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return next_ >= bytes_.size(); }
  int below(int n) { return empty() ? 0 : bytes_[next_++] % n; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

one_case decode_case(byte_source& from, int& values, bool may_be_send) {
  one_case c{may_be_send && from.below(2) != 0, 0, 0, from.below(8) != 7};
  if (c.is_send) {
    c.channel = from.below(plain_channels + 1);  // the nil one too
    c.value = ++values;
  } else {
    // Plain channels more often than the others.
    const int pick = from.below(plain_channels * 3 + 2 + contexts);
    c.channel = pick < plain_channels * 3 ? pick % plain_channels : pick - plain_channels * 2;
  }
  return c;
}

operation decode_operation(byte_source& from, int& values) {
  constexpr action table[] = {action::send,   action::recv,       action::try_send,   action::try_recv,
                              action::select, action::try_select, action::send,       action::recv,
                              action::select, action::select,     action::try_select, action::fire_timer,
                              action::close,  action::cancel,     action::stop_timer};
  operation op{table[from.below(std::size(table))], {}};
  switch (op.what) {
    case action::send:
    case action::try_send:
      op.cases = {{true, from.below(op.what == action::send ? plain_channels : plain_channels + 1), ++values, true}};
      break;
    case action::recv:
    case action::try_recv: {
      one_case c = decode_case(from, values, false);
      if (op.what == action::recv && c.channel == nil_channel) c.channel = 0;  // nobody could wake it
      c.is_enabled = true;
      op.cases = {c};
      break;
    }
    case action::select:
    case action::try_select: {
      const int count = 1 + from.below(most_cases);
      for (int i = 0; i < count; ++i) op.cases.push_back(decode_case(from, values, true));
      if (op.what == action::select) op.cases.push_back({false, from.below(plain_channels), 0, true});  // can be woken
      break;
    }
    case action::close: op.cases = {{false, from.below(plain_channels + 1), 0, true}}; break;
    case action::cancel: op.cases = {{false, first_done + from.below(contexts), 0, true}}; break;
    case action::fire_timer:
    case action::stop_timer: op.cases = {{false, timer_channel, 0, true}}; break;
  }
  return op;
}

}  // namespace

program decode(std::span<const std::uint8_t> bytes, int most_steps) {
  byte_source from(bytes);
  program p{};
  for (int& c : p.capacity) c = from.below(3);
  for (bool& t : p.on_threads) t = from.below(4) == 0;
  int values = 0;
  while (!from.empty() && static_cast<int>(p.steps.size()) < most_steps) {
    const int worker = from.below(workers);
    p.steps.push_back({worker, decode_operation(from, values)});
  }
  return p;
}

program random_program(std::uint64_t seed, int most_steps) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(most_steps) * 16 + 8);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(random() >> 24);
  return decode(bytes, most_steps);
}

std::ostream& operator<<(std::ostream& out, const operation& op) {
  static const char* const names[] = {"send",  "recv",   "try_send",   "try_recv",  "select", "try_select",
                                      "close", "cancel", "fire_timer", "stop_timer"};
  out << names[static_cast<int>(op.what)] << '(';
  for (const auto& c : op.cases) {
    out << (&c == op.cases.data() ? "" : ", ") << "ch" << c.channel;
    if (c.is_send) out << " <- " << c.value;
    if (!c.is_enabled) out << " off";
  }
  return out << ')';
}

std::ostream& operator<<(std::ostream& out, const program& p) {
  out << "capacities";
  for (int c : p.capacity) out << ' ' << c;
  out << "; threads:";
  for (int w = 0; w < workers; ++w)
    if (p.on_threads[w]) out << ' ' << w;
  for (const auto& s : p.steps) out << "\n  " << s.worker << ": " << s.op;
  return out << '\n';
}

std::ostream& operator<<(std::ostream& out, const outcome& o) {
  if (!o.has_ended) return out << "blocked";
  if (o.threw) return out << "threw";
  out << "case " << o.fired;
  if (o.received) out << ", received " << o.received;
  return out;
}

}  // namespace fuzz
