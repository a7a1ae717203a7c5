// The only door to atomics: every shared word of weft is a base::atomic, and every operation names its memory order.
//
// It is a shell over std::atomic that costs nothing. It exists so that a model checker can put its own class here
// (WEFT_MODEL) and run the lock-free parts unchanged under every interleaving, and so that no default seq_cst slips in.
#pragma once

#ifdef WEFT_MODEL
#include <weft_model/atomic.h>
#else

#include <atomic>

namespace weft::base {

using std::memory_order;
inline constexpr memory_order relaxed = std::memory_order_relaxed;
inline constexpr memory_order acquire = std::memory_order_acquire;
inline constexpr memory_order release = std::memory_order_release;
inline constexpr memory_order acq_rel = std::memory_order_acq_rel;
inline constexpr memory_order seq_cst = std::memory_order_seq_cst;

template <class T>
class atomic {
 public:
  constexpr atomic() noexcept : value_{} {}
  constexpr atomic(T value) noexcept : value_{value} {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(memory_order order) const noexcept { return value_.load(order); }
  void store(T desired, memory_order order) noexcept { value_.store(desired, order); }
  T exchange(T desired, memory_order order) noexcept { return value_.exchange(desired, order); }
  bool compare_exchange_weak(T& expected, T desired, memory_order success, memory_order failure) noexcept {
    return value_.compare_exchange_weak(expected, desired, success, failure);
  }
  bool compare_exchange_strong(T& expected, T desired, memory_order success, memory_order failure) noexcept {
    return value_.compare_exchange_strong(expected, desired, success, failure);
  }
  T fetch_add(T delta, memory_order order) noexcept { return value_.fetch_add(delta, order); }
  T fetch_sub(T delta, memory_order order) noexcept { return value_.fetch_sub(delta, order); }
  T fetch_or(T bits, memory_order order) noexcept { return value_.fetch_or(bits, order); }
  T fetch_and(T bits, memory_order order) noexcept { return value_.fetch_and(bits, order); }

  // A word with one writer at a time: an increment without a locked instruction.
  void add_owned(T delta) noexcept { value_.store(value_.load(relaxed) + delta, relaxed); }

 private:
  std::atomic<T> value_;
};

inline void thread_fence(memory_order order) noexcept { std::atomic_thread_fence(order); }
inline void compiler_fence() noexcept { std::atomic_signal_fence(seq_cst); }

}  // namespace weft::base

#endif
