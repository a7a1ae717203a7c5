// What all sockets share: a movable handle, deadlines, close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <weft/clock.h>
#include <weft/context.h>
#include <weft/error.h>
#include <weft/net/address.h>

namespace weft::poll {
class descriptor;
}

namespace weft::net {

namespace detail {

enum class side : std::uint8_t { read, write, both };

// Owns a descriptor; closes it in its destructor. Moving it while another goroutine uses it is the caller's mistake, and so
// is destroying it; closing it is not.
class handle {
 public:
  handle() noexcept = default;
  explicit handle(poll::descriptor* adopted) noexcept : descriptor_(adopted) {}
  handle(handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  handle& operator=(handle other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~handle() {
    if (descriptor_) reset();
  }
  [[nodiscard]] poll::descriptor* get() const noexcept { return descriptor_; }

 private:
  void reset() noexcept;
  poll::descriptor* descriptor_ = nullptr;
};

}  // namespace detail

// The base of every kind of socket. A moved-from socket, and one that was closed, answers everything with an error.
class socket {
 public:
  // From that time on, calls that would wait return errc::timed_out, and those that wait already are woken; until a new
  // deadline is set. time_point::max() means none. Moving a deadline on costs next to nothing: once per request is fine.
  void set_deadline(clock::time_point when) { set_deadlines(detail::side::both, when); }
  void set_read_deadline(clock::time_point when) { set_deadlines(detail::side::read, when); }    // accept too
  void set_write_deadline(clock::time_point when) { set_deadlines(detail::side::write, when); }  // connect too

  // Calls blocked in other goroutines return errc::operation_canceled, and so does every later call. The kernel's
  // descriptor is closed when the last of them has returned.
  void close();

  [[nodiscard]] address local() const;  // of no kind once the socket is closed

  // For what is not offered here. Stays weft's: do not close it, nor make it blocking. -1 once closed.
  [[nodiscard]] int native_handle() const;

  // setsockopt with an int.
  result<void> set_option(int level, int name, int value);
  [[nodiscard]] result<int> get_option(int level, int name) const;
  result<void> receive_buffer(int bytes);  // the kernel's buffers; it doubles and bounds what it is given
  result<void> send_buffer(int bytes);

 protected:
  socket() noexcept = default;
  explicit socket(detail::handle adopted) noexcept : handle_(std::move(adopted)) {}
  socket(socket&&) noexcept = default;
  socket& operator=(socket&&) noexcept = default;
  ~socket() = default;

  void set_deadlines(detail::side which, clock::time_point when);
  [[nodiscard]] poll::descriptor* descriptor() const noexcept { return handle_.get(); }

 private:
  detail::handle handle_;
};

}  // namespace weft::net
