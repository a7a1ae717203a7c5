// Errors: what the world does comes back as a value, what the caller did wrong is thrown.
//
//   weft::result<std::string> greet(conn& peer) {
//     auto line = peer.read_line();
//     if (!line) return weft::fail(line, "greet");                   // "greet: Connection reset by peer"
//     if (line->empty()) return weft::fail(std::errc::bad_message, "greet");
//     return "hello " + *line;
//   }
//   if (auto r = greet(peer); !r && r.error() == std::errc::timed_out) retry();
#pragma once

#include <iosfwd>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <weft/expected.h>

namespace weft {

// An error code, the operation that failed and, optionally, what it worked on. Copying allocates nothing.
class error {
 public:
  error() noexcept = default;  // zero: no error

  // `op` is not copied: pass a string literal, or something that lives as long.
  error(std::error_code code, const char* op = "") noexcept : code_(code), op_(op) {}
  error(std::errc code, const char* op = "") noexcept : error(std::make_error_code(code), op) {}

  // `detail` says what the operation worked on, an address or a path; it is copied once and shared from then on.
  error(std::error_code code, const char* op, std::string detail)
      : code_(code), op_(op), detail_(std::make_shared<const std::string>(std::move(detail))) {}

  const std::error_code& code() const noexcept { return code_; }
  const char* op() const noexcept { return op_; }  // never null; "" when nothing is known
  std::string_view detail() const noexcept { return detail_ ? std::string_view(*detail_) : std::string_view(); }

  // "relay: Connection refused", with a detail "dial 10.0.0.1:80: Connection refused".
  std::string message() const {
    std::string text = op_;
    if (detail_) (text += text.empty() ? "" : " ") += *detail_;
    if (!text.empty()) text += ": ";
    return text += code_.message();
  }

  explicit operator bool() const noexcept { return static_cast<bool>(code_); }  // true: there is an error

  // The same failure under another operation's name.
  error with_op(const char* op) const {
    error renamed = *this;
    renamed.op_ = op;
    return renamed;
  }

  // Only the code is compared: who reported a failure does not change what it is. Against std::errc the comparison is
  // by equivalence, as <system_error> does it: a resolver's own time-out code is equal to errc::timed_out.
  friend bool operator==(const error& a, const error& b) noexcept { return a.code_ == b.code_; }
  friend bool operator==(const error& a, const std::error_code& b) noexcept { return a.code_ == b; }
  friend bool operator==(const error& a, std::errc b) noexcept { return a.code_ == std::make_error_condition(b); }

  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const error& e) {
    return out << e.message();
  }

 private:
  std::error_code code_;
  const char* op_ = "";
  std::shared_ptr<const std::string> detail_;
};

template <class T>
using result = std::expected<T, error>;

// Passes a failure on, as it is or under another operation's name. REQUIRES: `failed` holds an error.
template <class T>
std::unexpected<error> fail(const result<T>& failed) {
  return std::unexpected<error>(failed.error());
}
template <class T>
std::unexpected<error> fail(const result<T>& failed, const char* op) {
  return std::unexpected<error>(failed.error().with_op(op));
}

// Starts a failure.
inline std::unexpected<error> fail(std::errc code, const char* op) { return std::unexpected<error>(error(code, op)); }
inline std::unexpected<error> fail(std::error_code code, const char* op) {
  return std::unexpected<error>(error(code, op));
}
inline std::unexpected<error> fail(error e) { return std::unexpected<error>(std::move(e)); }
inline std::unexpected<error> fail(const error& e, const char* op) { return std::unexpected<error>(e.with_op(op)); }

// Thrown when the caller broke a rule: send on a closed channel, close of a nil channel, a negative wait_group.
struct misuse : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace weft
