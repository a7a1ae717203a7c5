// Streams in memory for tests: a reader that follows a script, a writer that fails on demand.
#pragma once

#include <weft/io.h>

#include <cstring>
#include <deque>
#include <string>
#include <variant>

namespace memory {

// Each read gives (at most) one piece, or the error in its place; then end of stream for ever.
class reader {
 public:
  using piece = std::variant<std::string, weft::error>;
  reader(std::initializer_list<piece> script) : script_(script) {}

  weft::result<std::size_t> read(std::span<std::byte> into) {
    ++reads;
    if (script_.empty()) return 0;
    if (auto* failure = std::get_if<weft::error>(&script_.front())) {
      const weft::error e = *failure;
      script_.pop_front();
      return weft::fail(e);
    }
    std::string& text = std::get<std::string>(script_.front());
    const std::size_t n = std::min(into.size(), text.size());
    std::memcpy(into.data(), text.data(), n);
    text.erase(0, n);
    if (text.empty()) script_.pop_front();
    return n;
  }

  int reads = 0;

 private:
  std::deque<piece> script_;
};

// Takes `room` bytes, then fails with errc::no_space_on_device.
class writer {
 public:
  explicit writer(std::size_t room = SIZE_MAX) : room_(room) {}

  weft::result<std::size_t> write(std::span<const std::byte> from) {
    ++writes;
    if (from.size() > room_ - text.size()) return weft::fail(std::errc::no_space_on_device, "memory");
    text.append(reinterpret_cast<const char*>(from.data()), from.size());
    return from.size();
  }

  std::string text;
  int writes = 0;

 private:
  std::size_t room_;
};

}  // namespace memory
