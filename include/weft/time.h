// Sleeping, timers and tickers.
//
//   weft::sleep(10ms);
//   weft::timer late(1s);                       // late.channel() receives the time at which it fired
//   weft::ticker beat(100ms);                   // on_tick(beat) in a select
//   auto t = weft::after_func(1s, [] { flush(); });   // in its own goroutine; t.stop() prevents it
//
// Nothing fires early; tens of thousands per second fire together, up to half a millisecond late. Zero or less is due at
// once. After stop() or reset() has returned, no value of the earlier setting is received.
#pragma once

#include <chrono>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include <weft/chan.h>
#include <weft/clock.h>
#include <weft/detail/keep_frame.h>
#include <weft/detail/timer_kind.h>
#include <weft/runtime.h>
#include <weft/select.h>

namespace weft {

namespace detail {
void sleep_for(clock::duration duration);
void sleep_to(clock::time_point when);
}  // namespace detail

inline void sleep(clock::duration duration) { detail::sleep_for(duration); detail::keep_frame(); }
inline void sleep_until(clock::time_point when) { detail::sleep_to(when); detail::keep_frame(); }

namespace detail {

struct timer_core;  // time/timer.cpp
timer_core* timer_make_channel(clock::duration delay, clock::duration period);

inline constexpr std::size_t timer_closure_offset = 64;

// What a core must know of the closure that lies behind it.
struct timer_function : timer_kind {
  std::size_t bytes;                   // of core and closure
  int block_class;                     // detail/newborn.h
  void (*call)(void* core);            // when it is due, in a goroutine of its own, which takes over one reference
  void (*destroy)(void*) noexcept;     // the closure
};
inline void* timer_closure(timer_core* core) noexcept { return reinterpret_cast<std::byte*>(core) + timer_closure_offset; }
void timer_fire_function(sched::timer_node*);                   // the kind of all of them
timer_core* timer_make_function(const timer_function& type);    // two references; the closure is still to be built
void timer_unmake_function(timer_core*) noexcept;               // it could not be
void timer_start_function(timer_core*, clock::duration delay);  // once

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

namespace detail {

template <class F>
inline constexpr timer_function timer_function_of = {
    {timer_fire_function},
    timer_closure_offset + sizeof(F), block_class_for(timer_closure_offset + sizeof(F)),
    [](void* due) {
      const timer_ref core(static_cast<timer_core*>(due));
      (*std::launder(static_cast<F*>(timer_closure(core.get()))))();
    },
    [](void* closure) noexcept { std::launder(static_cast<F*>(closure))->~F(); }};

template <class F>
timer_core* timer_make_func(clock::duration delay, F&& f) {
  using function = std::decay_t<F>;
  static_assert(alignof(function) <= 16, "weft::after_func: over-aligned functions are not supported; pass a pointer");
  timer_core* core = timer_make_function(timer_function_of<function>);
  try {
    ::new (timer_closure(core)) function(std::forward<F>(f));
  } catch (...) {
    timer_unmake_function(core);
    throw;
  }
  timer_start_function(core, delay);
  return core;
}

}  // namespace detail

// Runs f in its own goroutine once `delay` has passed, unless stopped. Dropping the timer does not stop it; reset() runs
// f again.
template <class F>
timer after_func(clock::duration delay, F f) {
  return timer(detail::timer_ref(detail::timer_make_func(delay, std::move(f))));
}

}  // namespace weft
