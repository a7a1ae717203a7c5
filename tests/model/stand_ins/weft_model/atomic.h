// What weft/detail/atomic.h becomes under WEFT_MODEL: the same class, each operation of which is a step of the model checker.
//
// The object holds its first value and where the engine keeps the rest. Nothing here is read inline: sources under the
// checker are compiled with -fsanitize=thread, whose calls mean "plain access" to the engine (engine/plain.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace model {

// Where in the sources an operation stands: reports print it, mutants name it.
struct site {
  const char* file;
  int line;
  static constexpr site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept { return {file, line}; }
};

// The head of every atomic; its first value follows.
struct cell {
  mutable std::uint32_t slot = 0;
  mutable std::uint32_t execution = 0;  // in which `slot` was given
};

void cell_created(cell*, std::size_t size) noexcept;
void cell_destroyed(cell*) noexcept;
std::uint64_t atomic_load(const cell*, std::size_t size, std::memory_order, site) noexcept;
void atomic_store(cell*, std::size_t size, std::uint64_t value, std::memory_order, site) noexcept;
// A read-modify-write is one step: the read is its scheduling point, the write follows at once.
std::uint64_t atomic_rmw_read(cell*, std::size_t size, std::memory_order, site) noexcept;
void atomic_rmw_write(cell*, std::size_t size, std::uint64_t value) noexcept;
bool atomic_cas(cell*, std::size_t size, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                std::memory_order failure, bool may_fail, site) noexcept;
void atomic_fence(std::memory_order, site) noexcept;
// A store that does not happen (false) when a heavy fence has interrupted the thread since it asked for interruptions().
bool atomic_store_unless_interrupted(cell*, std::size_t size, std::uint64_t value, std::memory_order, std::uint32_t since,
                                     site) noexcept;
std::uint32_t interruptions() noexcept;

// For sources whose threads are the model's (weft_model_edit in CMakeLists.txt).
int thread_number() noexcept;
int start_thread(void* argument) noexcept;  // 0: as pthread_create
void* reallocate(void* block, std::size_t size);  // on the heap of the execution
int start_monitor(void* (*body)(void*)) noexcept;

}  // namespace model

namespace weft::base {

using std::memory_order;
inline constexpr memory_order relaxed = std::memory_order_relaxed;
inline constexpr memory_order acquire = std::memory_order_acquire;
inline constexpr memory_order release = std::memory_order_release;
inline constexpr memory_order acq_rel = std::memory_order_acq_rel;
inline constexpr memory_order seq_cst = std::memory_order_seq_cst;

template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  using site = model::site;

 public:
  constexpr atomic() noexcept : atomic(T{}) {}
  constexpr atomic(T value) noexcept : first_{value} {
    if (!std::is_constant_evaluated()) model::cell_created(&cell_, sizeof(T));
  }
  constexpr ~atomic() {
    if (!std::is_constant_evaluated()) model::cell_destroyed(&cell_);
  }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(memory_order order, site where = site::here()) const noexcept {
    return value(model::atomic_load(&cell_, sizeof(T), order, where));
  }
  void store(T desired, memory_order order, site where = site::here()) noexcept {
    model::atomic_store(&cell_, sizeof(T), bits(desired), order, where);
  }
  bool store_unless_interrupted(T desired, memory_order order, std::uint32_t since, site where = site::here()) noexcept {
    return model::atomic_store_unless_interrupted(&cell_, sizeof(T), bits(desired), order, since, where);
  }
  T exchange(T desired, memory_order order, site where = site::here()) noexcept {
    return modify(order, where, [&](T) { return desired; });
  }
  bool compare_exchange_weak(T& expected, T desired, memory_order success, memory_order failure,
                             site where = site::here()) noexcept {
    return compare_exchange(expected, desired, success, failure, true, where);
  }
  bool compare_exchange_strong(T& expected, T desired, memory_order success, memory_order failure,
                               site where = site::here()) noexcept {
    return compare_exchange(expected, desired, success, failure, false, where);
  }
  T fetch_add(T delta, memory_order order, site where = site::here()) noexcept {
    return modify(order, where, [&](T old) { return static_cast<T>(old + delta); });
  }
  T fetch_sub(T delta, memory_order order, site where = site::here()) noexcept {
    return modify(order, where, [&](T old) { return static_cast<T>(old - delta); });
  }
  T fetch_or(T more, memory_order order, site where = site::here()) noexcept {
    return modify(order, where, [&](T old) { return static_cast<T>(old | more); });
  }
  T fetch_and(T kept, memory_order order, site where = site::here()) noexcept {
    return modify(order, where, [&](T old) { return static_cast<T>(old & kept); });
  }
  void add_owned(T delta, site where = site::here()) noexcept { store(load(relaxed, where) + delta, relaxed, where); }

  // For the stand-ins of os/: the kernel knows a word by its address.
  [[nodiscard]] const model::cell* cell() const noexcept { return &cell_; }

 private:
  static std::uint64_t bits(T typed) noexcept {
    std::uint64_t raw = 0;
    __builtin_memcpy(&raw, &typed, sizeof(T));
    return raw;
  }
  static T value(std::uint64_t raw) noexcept {
    T typed;
    __builtin_memcpy(&typed, &raw, sizeof(T));
    return typed;
  }
  template <class F>
  T modify(memory_order order, site where, F&& change) noexcept {
    const T old = value(model::atomic_rmw_read(&cell_, sizeof(T), order, where));
    model::atomic_rmw_write(&cell_, sizeof(T), bits(change(old)));
    return old;
  }
  bool compare_exchange(T& expected, T desired, memory_order success, memory_order failure, bool may_fail, site where) noexcept {
    std::uint64_t seen = bits(expected);
    if (model::atomic_cas(&cell_, sizeof(T), seen, bits(desired), success, failure, may_fail, where)) return true;
    expected = value(seen);
    return false;
  }

  model::cell cell_;
  alignas(8) T first_;
};

inline void thread_fence(memory_order order, model::site where = model::site::here()) noexcept {
  model::atomic_fence(order, where);
}
inline void compiler_fence() noexcept {}  // the checker runs the program in program order

}  // namespace weft::base
