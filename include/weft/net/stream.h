// Connected stream sockets: what tcp_conn and unix_conn have in common. A reader and a writer of <weft/io.h>.
#pragma once

#include <initializer_list>

#include <weft/detail/keep_frame.h>
#include <weft/io.h>
#include <weft/net/socket.h>

namespace weft::net {

class stream : public socket {
 public:
  // Blocks until at least one byte is there, and gives what is there; 0: the peer has ended its side. One reader and one
  // writer do not disturb each other; several readers take turns, and so do several writers.
  result<std::size_t> read(std::span<std::byte> into) { return read_with(nullptr, into); }
  result<std::size_t> read(std::span<char> into) { return read_with(nullptr, std::as_writable_bytes(into)); }
  result<std::size_t> read(const context& ctx, std::span<std::byte> into) { return read_with(&ctx, into); }
  result<std::size_t> read(const context& ctx, std::span<char> into) { return read_with(&ctx, std::as_writable_bytes(into)); }

  // Blocks until the kernel has taken all of it. After an error nothing is known about how much went out. What two
  // goroutines write at the same time goes out one after the other.
  result<std::size_t> write(std::span<const std::byte> from) { return write_with(nullptr, from); }
  result<std::size_t> write(std::string_view text) { return write_with(nullptr, std::as_bytes(std::span(text))); }
  result<std::size_t> write(const context& ctx, std::span<const std::byte> from) { return write_with(&ctx, from); }
  result<std::size_t> write(const context& ctx, std::string_view text) {
    return write_with(&ctx, std::as_bytes(std::span(text)));
  }

  // All of several pieces, as one write.
  using pieces = std::span<const std::span<const std::byte>>;
  result<std::size_t> writev(pieces from) { return writev_with(nullptr, from); }
  result<std::size_t> writev(const context& ctx, pieces from) { return writev_with(&ctx, from); }
  result<std::size_t> writev(std::initializer_list<std::string_view> from);

  // The peer reads to the end of the stream; reading from it goes on.
  result<void> shutdown_write();

  [[nodiscard]] const address& remote() const noexcept { return remote_; }

  // For io::copy (<weft/io.h>): the kernel may move bytes in and out without showing them to us.
  [[nodiscard]] io::kernel_end kernel_end() const noexcept;

 protected:
  stream() noexcept = default;
  stream(detail::handle adopted, address peer, bool is_exact);

 private:
  result<std::size_t> read_with(const context* ctx, std::span<std::byte> into) {
    auto result = read_core(ctx, into);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> read_core(const context* ctx, std::span<std::byte> into);
  result<std::size_t> write_with(const context* ctx, std::span<const std::byte> from) {
    auto result = write_core(ctx, from);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> write_core(const context* ctx, std::span<const std::byte> from);
  result<std::size_t> writev_with(const context* ctx, pieces from) {
    auto result = writev_core(ctx, from);
    weft::detail::keep_frame();
    return result;
  }
  result<std::size_t> writev_core(const context* ctx, pieces from);

  bool is_exact_ = false;  // a short read proves that nothing is left (poll/readiness.h, D4)
  address remote_;
};

}  // namespace weft::net
