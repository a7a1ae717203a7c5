// The untyped channel: chan<T> is a shell over these functions, so that the algorithms are compiled once (chan/channel.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weft::detail {

struct channel;

// What the core must know of T. A null `move` means: copy `size` bytes; a null `destroy`: nothing to do.
struct element_type {
  std::size_t size;
  std::size_t align;
  void (*move)(void* to, void* from) noexcept;  // move-constructs *to from *from, which stays alive
  void (*destroy)(void*) noexcept;
};

template <class T>
inline constexpr element_type element_type_of = {
    sizeof(T), alignof(T),
    std::is_trivially_copyable_v<T>
        ? nullptr
        : +[](void* to, void* from) noexcept { ::new (to) T(std::move(*static_cast<T*>(from))); },
    std::is_trivially_destructible_v<T> ? nullptr : +[](void* object) noexcept { static_cast<T*>(object)->~T(); }};
template <>
inline constexpr element_type element_type_of<void> = {0, 1, nullptr, nullptr};

channel* channel_make(std::size_t capacity, const element_type& type);  // throws std::bad_alloc
void channel_retain(channel*) noexcept;
void channel_release(channel*) noexcept;

// Null is the nil channel. `value` points to a T to move from (send) or to raw storage for a T (receive).
void channel_send(channel*, void* value);                    // throws misuse when closed
bool channel_recv(channel*, void* storage);                  // false: closed and drained
bool channel_try_send(channel*, void* value);                // throws misuse when closed
bool channel_try_recv(channel*, void* storage) noexcept;
void channel_close(channel*);                                // throws misuse when closed or nil
bool channel_closed(const channel*) noexcept;
std::size_t channel_size(const channel*) noexcept;
std::size_t channel_capacity(const channel*) noexcept;

// A counted reference to a channel; null is the nil channel.
//
// It does not keep the channel's address but one shortly before, and a handle that is moved from or destroyed forgets it
// in memory too. So the handles that a piece of memory holds can be told from plain pointers and from what was there
// before, and be counted: debug/leaks.h.
class channel_ref {
 public:
  static constexpr std::uintptr_t distance = 8;  // of 16 bytes that nobody else points to: channel_make

  channel_ref() noexcept = default;
  explicit channel_ref(channel* adopted) noexcept : place_(reinterpret_cast<std::uintptr_t>(adopted) - distance) {}
  channel_ref(const channel_ref& other) noexcept : place_(other.place_) {
    if (channel* core = get()) channel_retain(core);
  }
  channel_ref(channel_ref&& other) noexcept : place_(other.place_) { other.forget(); }
  channel_ref& operator=(channel_ref other) noexcept {
    std::swap(place_, other.place_);
    return *this;
  }
  ~channel_ref() {
    if (channel* core = get()) {
      forget();
      channel_release(core);
    }
  }
  [[nodiscard]] channel* get() const noexcept { return reinterpret_cast<channel*>(place_ + distance); }
  friend bool operator==(const channel_ref&, const channel_ref&) noexcept = default;

 private:
  static constexpr std::uintptr_t nil = 0 - distance;
  void forget() noexcept { const_cast<volatile std::uintptr_t&>(place_) = nil; }  // volatile: also when nobody reads it again

  std::uintptr_t place_ = nil;
};

// Storage for a T that a channel constructs.
template <class T>
class slot {
 public:
  slot() noexcept {}
  ~slot() {}
  void* address() noexcept { return static_cast<void*>(std::addressof(value)); }
  T release() noexcept {  // the value, leaving raw storage behind
    T taken(std::move(value));
    value.~T();
    return taken;
  }
  union {
    T value;
  };
};

}  // namespace weft::detail
