#include <csignal>
#include <cstring>

#include <weft/os/command.h>

namespace weft::os {
namespace {

// What an exit status looks like as the number of an error: the code, or with these bits the signal.
constexpr int signal_bit = 0x1000, core_bit = 0x2000;

class exit_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.exit"; }
  std::string message(int value) const override {
    if (!(value & signal_bit)) return exit_status::exited(value).to_string();
    return exit_status::killed(value & ~(signal_bit | core_bit), value & core_bit).to_string();
  }
};

}  // namespace

std::optional<int> exit_status::code() const noexcept {
  return by_signal_ ? std::nullopt : std::optional(number_);
}

std::optional<int> exit_status::signal() const noexcept {
  return by_signal_ ? std::optional(number_) : std::nullopt;
}

std::string exit_status::to_string() const {
  if (!by_signal_) return "exit status " + std::to_string(number_);
  const char* abbreviation = sigabbrev_np(number_);
  return "killed by " + (abbreviation ? "SIG" + std::string(abbreviation) : "signal " + std::to_string(number_)) +
         (dumped_core_ ? " (core dumped)" : "");
}

std::error_code exit_status::error_code() const noexcept {
  static const auto& category = *new exit_category;  // never destroyed: an error may be looked at while static objects go
  return {by_signal_ ? number_ | signal_bit | (dumped_core_ ? core_bit : 0) : number_, category};
}

}  // namespace weft::os
