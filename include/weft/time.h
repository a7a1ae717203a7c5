// Sleeping, timers and tickers.
//
//   weft::sleep(10ms);
//   weft::timer late(1s);                       // late.channel() receives the time at which it fired
//   weft::ticker beat(100ms);                   // on_tick(beat) in a select
//   auto t = weft::after_func(1s, [] { flush(); });   // in its own goroutine; t.stop() prevents it
//
// Nothing fires early. Durations of zero or less are due at once. After stop() or reset() has returned, no value of the
// earlier setting is received.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <weft/chan.h>
#include <weft/clock.h>
#include <weft/runtime.h>
#include <weft/select.h>

namespace weft {

void sleep(clock::duration duration);
void sleep_until(clock::time_point when);

namespace detail {

struct timer_core;  // time/timer.cpp
timer_core* timer_make_channel(clock::duration delay, clock::duration period);
timer_core* timer_make_func(clock::duration delay, void (*start)(void*), void (*destroy)(void*) noexcept, void* function);
void timer_release(timer_core*) noexcept;
bool timer_stop(timer_core*) noexcept;
bool timer_reset(timer_core*, clock::duration delay, clock::duration period);
channel* timer_channel(timer_core*) noexcept;  // borrowed; null for after_func

class timer_ref {
 public:
  explicit timer_ref(timer_core* adopted) noexcept : core_(adopted) {}
  timer_ref(timer_ref&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  timer_ref& operator=(timer_ref other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~timer_ref() {
    if (core_) timer_release(core_);
  }
  [[nodiscard]] timer_core* get() const noexcept { return core_; }
  [[nodiscard]] receiver<clock::time_point> channel() const {
    channel_ref shared(timer_channel(core_));
    if (shared.get()) channel_retain(shared.get());
    return channel_access::make<receiver<clock::time_point>>(std::move(shared));
  }

 private:
  timer_core* core_;
};

}  // namespace detail

// Fires once. Destroying it stops it, unless a receiver of its channel or an after_func still wants it.
class timer {
 public:
  explicit timer(clock::duration delay) : core_(detail::timer_make_channel(delay, clock::duration::zero())) {}
  receiver<clock::time_point> channel() const { return core_.channel(); }  // nil for after_func
  bool stop() { return detail::timer_stop(core_.get()); }                  // true: it had not fired, and will not
  bool reset(clock::duration delay) {                                     // true: it had not fired
    return detail::timer_reset(core_.get(), delay, clock::duration::zero());
  }

 private:
  template <class F>
  friend timer after_func(clock::duration, F);
  explicit timer(detail::timer_ref core) : core_(std::move(core)) {}
  detail::timer_ref core_;
};

// Fires every `period`, which must be positive (misuse otherwise). A slow reader loses ticks: one waits at most.
class ticker {
 public:
  explicit ticker(clock::duration period);
  ~ticker() { stop(); }
  ticker(ticker&&) noexcept = default;
  receiver<clock::time_point> channel() const { return core_.channel(); }
  void stop() {
    if (core_.get()) detail::timer_stop(core_.get());
  }
  void reset(clock::duration period);  // the next tick is one new period from this call

 private:
  friend recv_case<clock::time_point> on_tick(const ticker&);
  detail::timer_ref core_;
};

inline recv_case<clock::time_point> on_tick(const ticker& ticker) {
  return recv_case<clock::time_point>(detail::timer_channel(ticker.core_.get()));
}

// Receives the time once `delay` has passed.
inline receiver<clock::time_point> after(clock::duration delay) { return timer(delay).channel(); }

// Runs f in its own goroutine once `delay` has passed, unless stopped. Dropping the timer does not stop it; reset() runs
// f again.
template <class F>
timer after_func(clock::duration delay, F f) {
  auto function = std::make_unique<std::shared_ptr<F>>(std::make_shared<F>(std::move(f)));
  auto* core = detail::timer_make_func(
      delay,
      [](void* held) { weft::go([run = *static_cast<std::shared_ptr<F>*>(held)] { (*run)(); }); },
      [](void* held) noexcept { delete static_cast<std::shared_ptr<F>*>(held); }, function.get());
  static_cast<void>(function.release());
  return timer(detail::timer_ref(core));
}

}  // namespace weft
