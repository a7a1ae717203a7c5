// The links that a context is made of. A context is a counted handle to one link; each link holds its parent, up to
// background(), which is no link at all.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include <weft/detail/atomic.h>
#include <weft/runtime.h>

namespace weft::detail {

struct cancel_node;  // a link that can be cancelled: context/cancel_node.h

struct context_node {
  context_node(context_node* above, cancel_node* nearest, const void* value_key) noexcept;
  virtual ~context_node() = default;
  context_node(const context_node&) = delete;
  context_node& operator=(const context_node&) = delete;

  context_node* const parent;    // holds a reference; null: background()
  cancel_node* const canceller;  // the nearest link, from this one upwards, that can be cancelled; null: none
  const void* const key;         // what value<Key>() looks for; null: carries no value
  base::atomic<std::uint32_t> refs{1};
};

inline void context_retain(context_node* node) noexcept {
  if (node) node->refs.fetch_add(1, base::relaxed);
}
void context_release(context_node* node) noexcept;  // null is fine

// Its address tells one Key from another in the whole program. Not const: equal constants may share an address.
template <class Key>
inline char context_key = 0;

template <class Key>
struct value_node final : context_node {
  value_node(context_node* above, cancel_node* nearest, typename Key::type held)
      : context_node(above, nearest, &context_key<Key>), value(std::move(held)) {}
  const typename Key::type value;
};

// Whom a link tells when it is cancelled: another link, or a callback.
struct cancel_listener {
  explicit cancel_listener(cancel_node* link = nullptr) noexcept : child(link) {}
  cancel_node* const child;         // null: this is a cancel_callback
  cancel_listener* next = nullptr;  // guarded by the lock of the link that will tell us
  cancel_listener* prev = nullptr;
};

struct cancel_callback : cancel_listener {
  cancel_callback() noexcept = default;
  virtual ~cancel_callback() = default;
  virtual void start() = 0;  // runs the function in its own goroutine

  base::atomic<std::uint32_t> refs{1};
  base::atomic<bool> is_spent{false};  // started or stopped: whoever sets it decides which
  cancel_node* told_by = nullptr;      // holds a reference; null: the context can never be cancelled
};

template <class F>
struct cancel_callback_of final : cancel_callback {
  template <class G>
  explicit cancel_callback_of(G&& f) : function(std::forward<G>(f)) {}
  void start() override { weft::go(std::move(function)); }
  F function;
};

void callback_register(cancel_callback*, context_node*);  // may start it at once
bool callback_stop(cancel_callback*) noexcept;
void callback_release(cancel_callback*) noexcept;

}  // namespace weft::detail
