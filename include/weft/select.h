// Select: wait for several channel operations, timeouts and cancellations; exactly one happens.
//
//   auto job  = weft::on_recv(jobs);
//   auto quit = weft::on_done(ctx);
//   auto late = weft::on_timeout(100ms);
//   weft::select(job, quit, late);          // returns 0, 1 or 2
//   if (job) { if (auto v = job.take()) work(*v); else return; }   // empty: closed and drained
//
// Cases are named, live on the stack and allocate nothing. When several are ready one is chosen at random, each with the
// same chance. A case can be selected again, in a loop. A case made from a named channel borrows it: the handle must
// outlive the case; made from a temporary, it keeps the channel alive itself. select() without an enabled case that can
// ever fire blocks for ever.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <weft/chan.h>
#include <weft/clock.h>
#include <weft/detail/waiter.h>

namespace weft {

class ticker;
class context;

namespace detail {

enum class case_kind : std::uint8_t { receive, send, deadline };
struct select_access;

}  // namespace detail

// What every case is; a dynamic set is a span of pointers to it.
class select_case {
 public:
  explicit operator bool() const noexcept { return fired_; }  // this case fired in the last select
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;

 protected:
  select_case(detail::case_kind kind, detail::channel* borrowed) noexcept : kind_(kind), channel_(borrowed) {}
  select_case(detail::case_kind kind, detail::channel_ref owned) noexcept
      : kind_(kind), channel_(owned.get()), owned_(std::move(owned)) {}
  ~select_case() {}

  friend struct detail::select_access;
  detail::case_kind kind_;
  bool enabled_ = true;
  bool fired_ = false;
  bool holds_value_ = false;          // receive: `value_` of the derived case is constructed
  detail::channel* channel_;          // null: the nil channel
  void* value_address_ = nullptr;     // the T sent from, or the raw storage received into
  detail::channel_ref owned_;
  union {
    detail::waiter waiter_;           // made when a select has to sleep: most find something ready
  };
};

template <class T>
class recv_case : public select_case {
 public:
  template <class Channel>
  explicit recv_case(Channel channel) noexcept : select_case(detail::case_kind::receive, std::move(channel)) {
    value_address_ = storage_.address();
  }
  ~recv_case() {
    if (holds_value_) storage_.value.~T();
  }

  // The value received, once. Empty: the channel is closed and drained, the case did not fire, or it was taken before.
  std::optional<T> take() {
    if (!holds_value_) return std::nullopt;
    holds_value_ = false;
    return storage_.release();
  }

 private:
  detail::slot<T> storage_;
};

template <>
class recv_case<void> : public select_case {
 public:
  template <class Channel>
  explicit recv_case(Channel channel) noexcept : select_case(detail::case_kind::receive, std::move(channel)) {}
  // True: a signal was received. False: closed, did not fire, or taken before.
  bool take() noexcept { return std::exchange(holds_value_, false); }
};

template <class T>
class send_case : public select_case {
 public:
  template <class Channel, class U>
  send_case(Channel channel, U&& value)
      : select_case(detail::case_kind::send, std::move(channel)), value_(std::forward<U>(value)) {
    value_address_ = std::addressof(value_);
  }
  T& value() noexcept { return value_; }  // still there when the case did not fire; moved from when it did

 private:
  T value_;
};

template <>
class send_case<void> : public select_case {
 public:
  template <class Channel>
  explicit send_case(Channel channel) noexcept : select_case(detail::case_kind::send, std::move(channel)) {}
};

class deadline_case : public select_case {
 public:
  explicit deadline_case(clock::time_point deadline) noexcept
      : select_case(detail::case_kind::deadline, static_cast<detail::channel*>(nullptr)), deadline_(deadline) {}
  explicit deadline_case(clock::duration timeout) noexcept
      : select_case(detail::case_kind::deadline, static_cast<detail::channel*>(nullptr)),
        timeout_(timeout),
        is_relative_(true) {}

 private:
  friend struct detail::select_access;
  clock::time_point deadline_{};  // absolute, or computed from timeout_ at each select
  clock::duration timeout_{};
  bool is_relative_ = false;
};

namespace detail {

template <class T>
channel* borrowed(const channel_handle<T>& handle) noexcept {
  return channel_access::ref(handle).get();
}
template <class T>
channel_ref kept(const channel_handle<T>& handle) noexcept {
  return channel_access::ref(handle);
}

struct guarded_case {
  select_case& which;
  bool enabled;
};

struct select_access {
  static select_case* with_guard(select_case& plain) noexcept {
    plain.enabled_ = true;
    return &plain;
  }
  static select_case* with_guard(const guarded_case& guarded) noexcept {
    guarded.which.enabled_ = guarded.enabled;
    return &guarded.which;
  }
  struct core;  // chan/select.cpp
};

inline constexpr std::size_t none_ready = static_cast<std::size_t>(-1);
// Null cases never fire. Returns none_ready only when it may not block.
std::size_t select_cases(select_case* const* cases, std::size_t count, bool may_block);

}  // namespace detail

// One value from the channel; c.take() gives it.
template <class T> recv_case<T> on_recv(const chan<T>& ch) { return recv_case<T>(detail::borrowed(ch)); }
template <class T> recv_case<T> on_recv(const receiver<T>& ch) { return recv_case<T>(detail::borrowed(ch)); }
template <class T> recv_case<T> on_recv(chan<T>&& ch) { return recv_case<T>(detail::kept(ch)); }
template <class T> recv_case<T> on_recv(receiver<T>&& ch) { return recv_case<T>(detail::kept(ch)); }

// One value into the channel. select throws misuse when it chooses a send on a closed channel.
template <class T, class U>
  requires std::is_constructible_v<T, U&&>
send_case<T> on_send(const chan<T>& ch, U&& value) {
  return send_case<T>(detail::borrowed(ch), std::forward<U>(value));
}
template <class T, class U>
  requires std::is_constructible_v<T, U&&>
send_case<T> on_send(const sender<T>& ch, U&& value) {
  return send_case<T>(detail::borrowed(ch), std::forward<U>(value));
}
template <class T, class U>
  requires std::is_constructible_v<T, U&&>
send_case<T> on_send(chan<T>&& ch, U&& value) {
  return send_case<T>(detail::kept(ch), std::forward<U>(value));
}
template <class T, class U>
  requires std::is_constructible_v<T, U&&>
send_case<T> on_send(sender<T>&& ch, U&& value) {
  return send_case<T>(detail::kept(ch), std::forward<U>(value));
}
inline send_case<void> on_send(const chan<void>& ch) { return send_case<void>(detail::borrowed(ch)); }
inline send_case<void> on_send(const sender<void>& ch) { return send_case<void>(detail::borrowed(ch)); }

// Fires when the select has waited this long (counted from each select; zero or less: at once, when nothing else is ready).
inline deadline_case on_timeout(clock::duration timeout) { return deadline_case(timeout); }
inline deadline_case on_deadline(clock::time_point when) { return deadline_case(when); }

recv_case<clock::time_point> on_tick(const ticker& ticker);  // the next tick
recv_case<void> on_done(const context& ctx);                 // the context is cancelled

// A case that takes part only if `condition` holds.
inline detail::guarded_case when(bool condition, select_case& which) noexcept { return {which, condition}; }

template <class C>
concept select_argument = std::is_base_of_v<select_case, std::remove_reference_t<C>> ||
                          std::is_same_v<detail::guarded_case, std::remove_cvref_t<C>>;

// Blocks until one case has happened; returns its position.
template <select_argument... Cases>
std::size_t select(Cases&&... cases) {
  select_case* const list[] = {detail::select_access::with_guard(cases)..., nullptr};
  return detail::select_cases(list, sizeof...(Cases), true);
}

// Never blocks; false: none was ready.
template <select_argument... Cases>
bool try_select(Cases&&... cases) {
  select_case* const list[] = {detail::select_access::with_guard(cases)..., nullptr};
  return detail::select_cases(list, sizeof...(Cases), false) != detail::none_ready;
}

// A set known only at run time. A null pointer is a disabled case.
inline std::size_t select(std::span<select_case* const> cases) {
  auto result = detail::select_cases(cases.data(), cases.size(), true);
  detail::keep_frame();
  return result;
}
inline bool try_select(std::span<select_case* const> cases) {
  return detail::select_cases(cases.data(), cases.size(), false) != detail::none_ready;
}

}  // namespace weft
