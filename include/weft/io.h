// Streams: what a reader and a writer are, buffering, and whole-stream helpers.
//
//   weft::io::buffered_reader in(conn);
//   weft::io::buffered_writer out(conn);
//   while (auto line = in.read_line()) {                       // ends with the stream, or with an error
//     if (!out.write(*line + "\n")) break;
//   }
//   auto sent = out.flush();
//
// Anything with the right read() or write() is a reader or a writer: a connection, a file, a decompressor, a buffer in a
// test. Nothing is inherited and nothing is virtual.
//
//   read(span)   waits until at least one byte is there, and gives what is there. 0 bytes for a span that is not empty:
//                end of stream, and every later read says so again.
//   write(span)  writes all of it, or returns an error; after an error nothing is known about what went out.
//
// End of stream is a value for read(), because it is how every stream ends. It is an error where more was asked for:
//
//   errc::end_of_stream  read_line, read_until, read_full: not one byte was left. The normal end of a loop.
//   errc::truncated      read_full: the stream ended inside what was asked for. Rarely normal.
//
// Both are equal to std::errc::no_message_available.
//
// Refused: result<std::optional<std::string>> for a line, which makes every caller take the same value apart twice; and
// the previous error kept beside the bytes that came before it, which every caller has to remember to look at.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/error.h>

namespace weft::poll {
class descriptor;
}

namespace weft::io {

template <class R>
concept reader = requires(R& from, std::span<std::byte> into) {
  { from.read(into) } -> std::same_as<result<std::size_t>>;
};

template <class W>
concept writer = requires(W& to, std::span<const std::byte> from) {
  { to.write(from) } -> std::same_as<result<std::size_t>>;
};

// A stream that is a file descriptor of the kernel's says so by kernel_end(); then copy() need not look at the bytes.
struct kernel_end {
  enum class kind : std::uint8_t { socket, pipe, file };
  poll::descriptor* polled = nullptr;  // a socket or pipe; null: a file, or one that was closed
  int fd = -1;                         // a file: read and written at its own offset
  kind is = kind::socket;
  bool is_exact = false;               // a short read proves that nothing is left: TCP
  const void* stream = nullptr;        // for errors: describe(stream), an address or a path
  std::string (*describe)(const void* stream) = nullptr;
};
template <class T>
concept kernel_stream = requires(const std::remove_cvref_t<T>& stream) {
  { stream.kernel_end() } -> std::same_as<kernel_end>;
};
// Nothing: the kernel does not do it for these two, and nothing was moved.
std::optional<result<std::uint64_t>> kernel_copy(const kernel_end& to, const kernel_end& from);

enum class errc { end_of_stream = 1, truncated };
const std::error_category& category() noexcept;
inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

}  // namespace weft::io

template <>
struct std::is_error_code_enum<weft::io::errc> : std::true_type {};

namespace weft::io {

inline constexpr std::size_t default_buffer_size = 4096;

// Fills `into`, with as many reads as it takes. On an error, what had already arrived is lost.
template <reader R>
result<std::size_t> read_full(R&& from, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    auto got = from.read(into.subspan(filled));
    if (!got) return got;
    if (*got == 0) return fail(make_error_code(filled == 0 ? errc::end_of_stream : errc::truncated), "read_full");
    filled += *got;
  }
  return filled;
}

// Writes text to any writer.
template <writer W>
result<std::size_t> write_string(W&& to, std::string_view text) {
  return to.write(std::as_bytes(std::span(text)));
}

// Moves everything up to the end of `from` into `to`; returns how many bytes. Allocates one buffer, of 32 or 64 KiB. Between
// sockets, pipes and files (weft::net, weft::os) large pieces move inside the kernel (sendfile, splice).
template <writer W, reader R>
result<std::uint64_t> copy(W&& to, R&& from) {
  if constexpr (kernel_stream<W> && kernel_stream<R>)
    if (auto done = kernel_copy(to.kernel_end(), from.kernel_end())) return *done;
  constexpr std::size_t size = 32 * 1024;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  for (std::uint64_t total = 0;;) {
    const auto got = from.read(std::span(buffer.get(), size));
    if (!got) return fail(got);
    if (*got == 0) return total;
    const auto sent = to.write(std::span<const std::byte>(buffer.get(), *got));
    if (!sent) return fail(sent);
    if (*sent != *got) return fail(std::errc::io_error, "copy");  // a writer that breaks its promise
    total += *got;
  }
}

// Everything up to the end of the stream.
template <reader R>
result<std::string> read_all(R&& from) {
  std::string text;
  for (std::size_t filled = 0;;) {
    if (filled == text.size()) text.resize(std::max<std::size_t>(512, 2 * filled));
    const auto got = from.read(std::as_writable_bytes(std::span(text).subspan(filled)));
    if (!got) return fail(got);
    if (*got == 0) {
      text.resize(filled);
      return text;
    }
    filled += *got;
  }
}

// Reads `source` in large pieces and hands them out in small ones. Keeps a reference: `source` must outlive it.
//
//   B1  The unread bytes are buffer_[begin_, end_).
//   B2  An error of the source consumes nothing: whoever tries again (after a deadline, say) misses no byte. The one
//       exception is read_full, which has given bytes away by then.
template <reader R>
class buffered_reader {
 public:
  explicit buffered_reader(R& source, std::size_t size = default_buffer_size)
      : source_(source), buffer_(std::max<std::size_t>(size, 1)) {}
  buffered_reader(const buffered_reader&) = delete;
  buffered_reader& operator=(const buffered_reader&) = delete;

  std::size_t buffered() const { return end_ - begin_; }  // what read() gives without waiting

  // At most one read of the source, and none while bytes are buffered. A span at least as large as the buffer is
  // filled directly.
  result<std::size_t> read(std::span<std::byte> into) {
    if (into.empty()) return 0;
    if (buffered() == 0) {
      if (into.size() >= buffer_.size()) return source_.read(into);
      if (auto got = more(); !got || *got == 0) return got;
    }
    const std::size_t n = std::min(into.size(), buffered());
    std::memcpy(into.data(), unread().data(), n);
    begin_ += n;
    return n;
  }
  result<std::size_t> read(std::span<char> into) { return read(std::as_writable_bytes(into)); }

  // The next n bytes without consuming them; fewer only when the stream ends before. The buffer grows to n if it must.
  // The span is good until the next call.
  result<std::span<const std::byte>> peek(std::size_t n) {
    while (buffered() < n) {
      const auto got = more();
      if (!got) return fail(got);
      if (*got == 0) break;
    }
    return unread().first(std::min(n, buffered()));
  }

  // Up to and including the delimiter. The last piece of a stream may lack it. With more than `limit` bytes before a
  // delimiter: errc::message_size, and nothing is consumed.
  result<std::string> read_until(char delimiter, std::size_t limit = std::numeric_limits<std::size_t>::max()) {
    return take_until(delimiter, limit, "read_until");
  }

  // One line without its end, "\n" or "\r\n". The last line need not have one. `limit` as above.
  result<std::string> read_line(std::size_t limit = std::numeric_limits<std::size_t>::max()) {
    auto line = take_until('\n', limit, "read_line");
    if (line && line->ends_with('\n')) {
      line->pop_back();
      if (line->ends_with('\r')) line->pop_back();
    }
    return line;
  }

  result<std::size_t> read_full(std::span<std::byte> into) { return io::read_full(*this, into); }
  result<std::size_t> read_full(std::span<char> into) { return read_full(std::as_writable_bytes(into)); }

 private:
  std::span<const std::byte> unread() const { return std::span(buffer_).subspan(begin_, buffered()); }

  // Reads once more behind the unread bytes, making room first. 0: end of stream.
  result<std::size_t> more() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(2 * end_);
    auto got = source_.read(std::span(buffer_).subspan(end_));
    if (got) end_ += *got;
    return got;
  }

  result<std::string> take_until(char delimiter, std::size_t limit, const char* op) {
    for (std::size_t searched = 0;;) {
      const auto text = std::string_view(reinterpret_cast<const char*>(unread().data()), buffered());
      const std::size_t found = text.find(delimiter, searched);
      if (std::min(found, text.size()) > limit) return fail(std::errc::message_size, op);
      if (found != text.npos) return take(found + 1);
      searched = text.size();
      const auto got = more();
      if (!got) return fail(got);
      if (*got == 0 && searched == 0) return fail(make_error_code(errc::end_of_stream), op);
      if (*got == 0) return take(searched);
    }
  }

  std::string take(std::size_t n) {
    std::string text(reinterpret_cast<const char*>(unread().data()), n);
    begin_ += n;
    return text;
  }

  R& source_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Gathers small writes into large ones. Keeps a reference: `sink` must outlive it.
//
// The first error stays: every later write and flush returns it, since what the sink has seen is unknown.
// The destructor flushes, and can tell nobody whether that worked: call flush() and look at what it returns.
template <writer W>
class buffered_writer {
 public:
  explicit buffered_writer(W& sink, std::size_t size = default_buffer_size)
      : sink_(sink), buffer_(std::max<std::size_t>(size, 1)) {}
  buffered_writer(const buffered_writer&) = delete;
  buffered_writer& operator=(const buffered_writer&) = delete;
  ~buffered_writer() {
    try {
      (void)flush();
    } catch (...) {
      // A throwing sink has the same standing here as a failing one.
    }
  }

  std::size_t buffered() const { return end_; }  // written, but not yet handed to the sink

  // Blocks only when the buffer has to go out. What is at least as large as the buffer goes out without being copied.
  result<std::size_t> write(std::span<const std::byte> from) {
    if (failed_) return fail(failed_);
    if (from.size() > buffer_.size() - end_) {
      if (auto flushed = flush(); !flushed) return fail(flushed);
      if (from.size() >= buffer_.size()) return send(from);
    }
    if (!from.empty()) std::memcpy(buffer_.data() + end_, from.data(), from.size());
    end_ += from.size();
    return from.size();
  }
  result<std::size_t> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  result<void> flush() {
    if (failed_) return fail(failed_);
    if (end_ == 0) return {};
    const std::size_t n = std::exchange(end_, 0);
    if (auto sent = send(std::span<const std::byte>(buffer_).first(n)); !sent) return fail(sent);
    return {};
  }

 private:
  result<std::size_t> send(std::span<const std::byte> bytes) {
    auto sent = sink_.write(bytes);
    if (sent && *sent != bytes.size()) sent = fail(std::errc::io_error, "buffered_writer");
    if (!sent) failed_ = sent.error();
    return sent;
  }

  W& sink_;
  std::vector<std::byte> buffer_;
  std::size_t end_ = 0;  // buffer_[0, end_) waits to go out
  error failed_;
};

}  // namespace weft::io
