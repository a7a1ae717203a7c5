// Cancellation, deadlines and request values, handed down a tree of calls.
//
//   void serve(const weft::context& parent, weft::receiver<job> jobs) {
//     auto ctx = weft::with_timeout(parent, 2s);            // cancelled when it leaves this scope, at the latest
//     for (;;) {
//       auto next = weft::on_recv(jobs);
//       auto quit = weft::on_done(ctx);
//       weft::select(next, quit);
//       if (quit) return log(ctx.cause().message());
//       if (auto j = next.take()) work(ctx, *j); else return;
//     }
//   }
//
// A context is a shared handle: copying it copies a pointer and a count. Pass it first, as const context&. Everything here
// may be called from any thread at any time.
//
// When a context is cancelled, so is everything derived from it, and nothing above it. The first cancel counts, later
// ones change nothing. For each context of the cancelled part, parents first and siblings in the order they were made:
// err() and cause() are set (in the whole part, before anything else happens), its stop_token is asked to stop, done()
// closes, and after_func functions start, each in its own goroutine. Whoever has seen done() closed sees the rest.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <weft/chan.h>
#include <weft/clock.h>
#include <weft/detail/context_node.h>
#include <weft/error.h>

namespace weft {

namespace detail {
struct context_access;
}

class context {
 public:
  context() noexcept = default;  // background()
  context(const context& other) noexcept : node_(other.node_) { detail::context_retain(node_); }
  context& operator=(const context& other) noexcept {
    detail::context_retain(other.node_);
    detail::context_release(std::exchange(node_, other.node_));
    return *this;
  }
  ~context() { detail::context_release(node_); }

  // Closed when the context is cancelled; the nil channel when it never can be. Allocates on the first call.
  receiver<void> done() const;

  bool cancelled() const noexcept;

  // errc::operation_canceled or errc::timed_out; a zero error while alive.
  error err() const;
  // What cancel(cause) was given, here or above; else err().
  error cause() const;

  // The earliest deadline, of this context and those above it.
  std::optional<clock::time_point> deadline() const noexcept;

  // The value that with_value<Key> gave, the nearest one looking upwards; null: none. Lives as long as a context does
  // that can see it. Cost grows with the distance.
  template <class Key>
  const typename Key::type* value() const noexcept {
    for (const detail::context_node* link = node_; link; link = link->parent)
      if (link->key == &detail::context_key<Key>) return &static_cast<const detail::value_node<Key>*>(link)->value;
    return nullptr;
  }

  // For code that knows std::stop_token. Its callbacks run inside cancel(), as std::stop_source has it; for a deadline
  // or a signal they run in a goroutine of their own. Allocates on the first call.
  std::stop_token stop_token() const;

 protected:
  friend struct detail::context_access;
  explicit context(detail::context_node* adopted) noexcept : node_(adopted) {}
  detail::context_node* node_ = nullptr;
};

// Never cancelled, without deadline and values: where every tree begins.
inline context background() noexcept { return {}; }

// A context with the right to cancel it. Cancels when it leaves its scope; copies of it as a plain context live on,
// cancelled. Bound to its scope: neither copied nor moved.
class [[nodiscard]] cancel_context : public context {
 public:
  cancel_context(const cancel_context&) = delete;
  cancel_context& operator=(const cancel_context&) = delete;
  ~cancel_context() { cancel(); }

  void cancel() noexcept { cancel(error()); }
  void cancel(error cause) noexcept;  // err() is errc::operation_canceled, cause() is `cause` unless that is zero

 private:
  friend struct detail::context_access;
  explicit cancel_context(detail::context_node* adopted) noexcept : context(adopted) {}
};

cancel_context with_cancel(const context& parent);

// Cancelled at the deadline, with errc::timed_out: at once if it has passed. The parent's deadline counts when earlier.
cancel_context with_deadline(const context& parent, clock::time_point deadline);
cancel_context with_timeout(const context& parent, clock::duration timeout);

// Cancelled when one of the signals arrives; cause() names the signal. Until cancel() or the end of the scope the signals
// do nothing else: then they do again what they did before. Throws misuse for a signal that cannot be caught.
cancel_context with_signals(const context& parent, std::initializer_list<int> signals);

// Keeps the values of `parent`, is not cancelled with it and has no deadline: for work that outlives a request.
context without_cancel(const context& parent);

// Adds a value, typed by its key: struct user_key { using type = std::string; };
template <class Key>
context with_value(const context& parent, typename Key::type value);

// What after_func leaves behind. Letting it go does not stop anything.
class stop_registration {
 public:
  stop_registration(stop_registration&& other) noexcept : callback_(std::exchange(other.callback_, nullptr)) {}
  stop_registration& operator=(stop_registration other) noexcept {
    std::swap(callback_, other.callback_);
    return *this;
  }
  ~stop_registration() { detail::callback_release(callback_); }

  // True: the function has not been started, and will not be. False: it was started, or stopped before. Does not wait.
  bool stop() noexcept { return detail::callback_stop(callback_); }

 private:
  friend struct detail::context_access;
  explicit stop_registration(detail::cancel_callback* adopted) noexcept : callback_(adopted) {}
  detail::cancel_callback* callback_;
};

// Runs f in its own goroutine once ctx is cancelled: at once if it is already.
template <std::invocable F>
stop_registration after_func(const context& ctx, F&& f);

namespace detail {

struct context_access {
  static context_node* node(const context& ctx) noexcept { return ctx.node_; }
  static cancel_node* canceller(const context& ctx) noexcept { return ctx.node_ ? ctx.node_->canceller : nullptr; }
  static context adopt(context_node* node) noexcept { return context(node); }
  static cancel_context adopt_cancel(context_node* node) noexcept { return cancel_context(node); }
  static stop_registration link(cancel_callback* callback, const context& ctx) {
    stop_registration registration(callback);
    callback_register(callback, ctx.node_);
    return registration;
  }
};

}  // namespace detail

template <class Key>
context with_value(const context& parent, typename Key::type value) {
  using access = detail::context_access;
  return access::adopt(new detail::value_node<Key>(access::node(parent), access::canceller(parent), std::move(value)));
}

template <std::invocable F>
stop_registration after_func(const context& ctx, F&& f) {
  return detail::context_access::link(new detail::cancel_callback_of<std::decay_t<F>>(std::forward<F>(f)), ctx);
}

}  // namespace weft
