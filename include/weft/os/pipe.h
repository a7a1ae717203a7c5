// Pipes: bytes in at one end, out at the other. To other processes, or between goroutines where a library wants a
// descriptor.
//
//   auto p = weft::os::open_pipe();                    // result<pipe>
//   weft::go([&] { p->writer.write("hello"); p->writer.close(); });
//   auto all = weft::io::read_all(p->reader);          // "hello"
//
// A read or write that has to wait parks its goroutine, or its thread; neither end is inherited by child processes. A write
// that nobody will read returns errc::broken_pipe, and no SIGPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <weft/detail/keep_frame.h>
#include <weft/clock.h>
#include <weft/context.h>
#include <weft/error.h>
#include <weft/io.h>

namespace weft::poll {
class descriptor;
}

namespace weft::os {

// What both ends share. Movable; the destructor closes. Moving or destroying an end while another goroutine uses it is a
// mistake, closing it is not.
class pipe_end {
 public:
  pipe_end() noexcept = default;
  pipe_end(pipe_end&& other) noexcept : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  pipe_end& operator=(pipe_end&& other) noexcept {
    pipe_end taken(std::move(other));
    std::swap(descriptor_, taken.descriptor_);
    return *this;
  }
  ~pipe_end();

  // Calls blocked on this end in other goroutines return errc::operation_canceled, and so does every later call. The
  // kernel's descriptor is closed when the last of them has returned.
  void close();

  // From that time on, calls that would wait return errc::timed_out, and those that wait already are woken; until a new
  // deadline is set. time_point::max() means none.
  void set_deadline(clock::time_point when);

  // Stays weft's: do not close it, nor make it blocking. -1 once closed.
  [[nodiscard]] int native_handle() const;
  explicit operator bool() const noexcept { return descriptor_ != nullptr; }  // false: never opened, or moved from

  // For io::copy (<weft/io.h>): the kernel may move bytes in and out without showing them to us.
  [[nodiscard]] io::kernel_end kernel_end() const noexcept;

 protected:
  explicit pipe_end(poll::descriptor* adopted) noexcept : descriptor_(adopted) {}
  static result<poll::descriptor*> adopt_descriptor(int fd);

  poll::descriptor* descriptor_ = nullptr;
};

class pipe_reader : public pipe_end {
 public:
  pipe_reader() noexcept = default;

  // Takes over a descriptor that the poller can watch: a pipe, a FIFO, a terminal, a socket. It becomes non-blocking, for
  // every process that shares it: think twice before you adopt standard input. On an error it remains the caller's;
  // errc::operation_not_permitted: it is of a kind that is always ready, such as a regular file.
  static result<pipe_reader> adopt(int fd);

  // Blocks until at least one byte is there, and gives what is there; 0: all writers are closed. Readers take turns.
  result<std::size_t> read(std::span<std::byte> into) { return read_with(nullptr, into); }
  result<std::size_t> read(std::span<char> into) { return read_with(nullptr, std::as_writable_bytes(into)); }
  result<std::size_t> read(const context& ctx, std::span<std::byte> into) { return read_with(&ctx, into); }
  result<std::size_t> read(const context& ctx, std::span<char> into) {
    return read_with(&ctx, std::as_writable_bytes(into));
  }

 private:
  using pipe_end::pipe_end;
  result<std::size_t> read_with(const context* ctx, std::span<std::byte> into) {
    auto result = read_core(ctx, into);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> read_core(const context* ctx, std::span<std::byte> into);
};

class pipe_writer : public pipe_end {
 public:
  pipe_writer() noexcept = default;
  static result<pipe_writer> adopt(int fd);  // as pipe_reader::adopt

  // Blocks until the pipe has taken all of it. What two goroutines write goes out one after the other.
  result<std::size_t> write(std::span<const std::byte> from) { return write_with(nullptr, from); }
  result<std::size_t> write(std::string_view text) { return write_with(nullptr, std::as_bytes(std::span(text))); }
  result<std::size_t> write(const context& ctx, std::span<const std::byte> from) { return write_with(&ctx, from); }
  result<std::size_t> write(const context& ctx, std::string_view text) {
    return write_with(&ctx, std::as_bytes(std::span(text)));
  }

 private:
  using pipe_end::pipe_end;
  result<std::size_t> write_with(const context* ctx, std::span<const std::byte> from) {
    auto result = write_core(ctx, from);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> write_core(const context* ctx, std::span<const std::byte> from);
};

struct pipe {
  pipe_reader reader;
  pipe_writer writer;
};
result<pipe> open_pipe();

}  // namespace weft::os
