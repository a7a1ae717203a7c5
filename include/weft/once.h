// Once: the first caller runs the function, the others wait for it.
//
//   static weft::once opened;
//   opened.call([] { open_log(); });
//
//   weft::lazy<table> countries([] { return load("countries"); });   // loaded on first *countries
//
// When the function throws, its caller gets the exception and the next caller tries again, as with std::call_once.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include <weft/detail/atomic.h>
#include <weft/mutex.h>

namespace weft {

class once {
 public:
  constexpr once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  // Blocks while another goroutine runs the function. Calling it again from inside f deadlocks.
  template <class F>
  void call(F&& f) {
    if (done_.load(base::acquire)) [[likely]] return;
    std::lock_guard hold(mutex_);
    if (done_.load(base::relaxed)) return;
    std::invoke(std::forward<F>(f));
    done_.store(true, base::release);
  }

 private:
  base::atomic<bool> done_{false};
  mutex mutex_;
};

template <class T>
class lazy {
 public:
  template <class F>
    requires std::is_invocable_r_v<T, F&>
  explicit lazy(F make) : make_(std::move(make)) {}
  lazy() : make_([] { return T(); }) {}
  lazy(const lazy&) = delete;
  lazy& operator=(const lazy&) = delete;

  T& operator*() { return get(); }
  T* operator->() { return &get(); }

 private:
  T& get() {
    once_.call([this] {
      value_.emplace(make_());
      make_ = nullptr;
    });
    return *value_;
  }

  once once_;
  std::function<T()> make_;
  std::optional<T> value_;
};

}  // namespace weft
