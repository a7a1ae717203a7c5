// Channels: typed queues between goroutines and threads.
//
//   weft::chan<int> jobs(64);
//   weft::go([jobs] { for (int job : jobs) work(job); });   // until closed and drained
//   jobs.send(1);                                           // blocks while 64 are waiting
//   jobs.close();
//
// A chan is a shared handle: copies name the same channel, and the last one frees it. A channel with capacity 0 hands each
// value from sender to receiver directly. Waiting senders and waiting receivers are served in order of arrival. What a
// sender did before send() happens before what the receiver of that value does after recv(); what happened before
// close() happens before a recv() that reports the close; with capacity n, the k-th recv() happens before the (k+n)-th
// send() completes.
//
// Nothing allocates after construction. T must be nothrow move constructible: a value is moved under the channel's lock.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/detail/channel.h>
#include <weft/detail/keep_frame.h>
#include <weft/error.h>

namespace weft {

template <class T> class sender;
template <class T> class receiver;

namespace detail {

struct channel_access;

// Waits for values until the channel is closed and drained: for (T v : ch).
template <class T>
class channel_iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  channel_iterator() noexcept = default;
  explicit channel_iterator(channel* source) : source_(source) { ++*this; }
  T& operator*() const noexcept { return *value_; }
  channel_iterator& operator++() {
    slot<T> arrived;
    if (channel_recv(source_, arrived.address())) value_.emplace(arrived.release());
    else value_.reset();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const channel_iterator& it, std::default_sentinel_t) noexcept { return !it.value_; }

 private:
  channel* source_ = nullptr;
  mutable std::optional<T> value_;
};

// What chan, sender and receiver share.
template <class T>
class channel_handle {
 public:
  [[nodiscard]] bool closed() const noexcept { return channel_closed(ref_.get()); }
  [[nodiscard]] std::size_t size() const noexcept { return channel_size(ref_.get()); }  // values waiting
  [[nodiscard]] std::size_t capacity() const noexcept { return channel_capacity(ref_.get()); }
  explicit operator bool() const noexcept { return ref_.get() != nullptr; }  // false: the nil channel

 protected:
  friend struct channel_access;
  channel_handle() noexcept = default;
  explicit channel_handle(channel_ref ref) noexcept : ref_(std::move(ref)) {}
  channel_ref ref_;

 private:
  static_assert(std::is_void_v<T> || std::is_nothrow_move_constructible_v<T>,
                "chan<T>: T must be nothrow move constructible; wrap it in a std::unique_ptr");
  static_assert(!std::is_reference_v<T> && !std::is_const_v<T>, "chan<T>: T must be a plain object type");
};

struct channel_access {
  template <class T> static const channel_ref& ref(const channel_handle<T>& handle) noexcept { return handle.ref_; }
  template <class Handle> static Handle make(channel_ref ref) noexcept { return Handle(std::move(ref)); }
};

template <class Derived, class T>
class send_side {
 public:
  // Blocks until a receiver or the buffer takes the value. Throws misuse if the channel is closed, also while it waits.
  void send(T value) const { channel_send(core(), std::addressof(value)); }
  // Never blocks. The value is moved from only when it returns true. Throws misuse if the channel is closed.
  bool try_send(T& value) const { return channel_try_send(core(), std::addressof(value)); }
  bool try_send(T&& value) const { return channel_try_send(core(), std::addressof(value)); }
  // No more values: receivers drain the buffer, then see the close. Throws misuse if closed before, or nil.
  void close() const { channel_close(core()); }

 private:
  channel* core() const noexcept { return channel_access::ref(static_cast<const Derived&>(*this)).get(); }
};

template <class Derived>
class send_side<Derived, void> {
 public:
  void send() const { channel_send(core(), nullptr); keep_frame(); }
  bool try_send() const { return channel_try_send(core(), nullptr); }
  void close() const { channel_close(core()); }

 private:
  channel* core() const noexcept { return channel_access::ref(static_cast<const Derived&>(*this)).get(); }
};

template <class Derived, class T>
class recv_side {
 public:
  // Blocks until a value comes. nullopt: closed and drained.
  std::optional<T> recv() const {
    slot<T> arrived;
    if (!channel_recv(core(), arrived.address())) return std::nullopt;
    return arrived.release();
  }
  // Never blocks. nullopt: nothing there now, closed or not.
  std::optional<T> try_recv() const {
    slot<T> arrived;
    if (!channel_try_recv(core(), arrived.address())) return std::nullopt;
    return arrived.release();
  }
  channel_iterator<T> begin() const { return channel_iterator<T>(core()); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  channel* core() const noexcept { return channel_access::ref(static_cast<const Derived&>(*this)).get(); }
};

template <class Derived>
class recv_side<Derived, void> {
 public:
  bool recv() const {  // false: closed and drained
    auto result = channel_recv(core(), nullptr);
    keep_frame();
    return result;
  }
  bool try_recv() const noexcept { return channel_try_recv(core(), nullptr); }  // false: nothing there now

 private:
  channel* core() const noexcept { return channel_access::ref(static_cast<const Derived&>(*this)).get(); }
};

}  // namespace detail

template <class T>
class chan : public detail::channel_handle<T>,
             public detail::send_side<chan<T>, T>,
             public detail::recv_side<chan<T>, T> {
 public:
  explicit chan(std::size_t capacity = 0)
      : detail::channel_handle<T>(detail::channel_ref(detail::channel_make(capacity, detail::element_type_of<T>))) {}
  // The nil channel: send and recv block for ever, select never chooses it, close throws misuse. From nullptr alone: a literal
  // zero is a capacity.
  template <std::same_as<std::nullptr_t> Nil>
  chan(Nil) noexcept {}
  friend bool operator==(const chan& a, const chan& b) noexcept { return a.ref_ == b.ref_; }

 private:
  friend struct detail::channel_access;
  explicit chan(detail::channel_ref ref) noexcept : detail::channel_handle<T>(std::move(ref)) {}
};

// The sending end alone. Implicit from chan<T>; nil when default-constructed.
template <class T>
class sender : public detail::channel_handle<T>, public detail::send_side<sender<T>, T> {
 public:
  sender(std::nullptr_t = nullptr) noexcept {}
  sender(const chan<T>& channel) noexcept : detail::channel_handle<T>(detail::channel_access::ref(channel)) {}
  friend bool operator==(const sender& a, const sender& b) noexcept { return a.ref_ == b.ref_; }
};

// The receiving end alone. Implicit from chan<T>; nil when default-constructed.
template <class T>
class receiver : public detail::channel_handle<T>, public detail::recv_side<receiver<T>, T> {
 public:
  receiver(std::nullptr_t = nullptr) noexcept {}
  receiver(const chan<T>& channel) noexcept : detail::channel_handle<T>(detail::channel_access::ref(channel)) {}
  friend bool operator==(const receiver& a, const receiver& b) noexcept { return a.ref_ == b.ref_; }

 private:
  friend struct detail::channel_access;
  explicit receiver(detail::channel_ref ref) noexcept : detail::channel_handle<T>(std::move(ref)) {}
};

}  // namespace weft
