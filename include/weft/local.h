// Goroutine-local values.
//
//   weft::local<std::string> request_id;       // usually static; each goroutine (and plain thread) has its own string
//   *request_id = "r-17";
//   log(request_id->c_str());
//
// The value is made by T() on first use and destroyed with its goroutine, newest first; on a plain thread with the thread.
// First use allocates; later uses cost a short walk over the goroutine's locals.
#pragma once

#include <cstdint>
#include <new>
#include <type_traits>

namespace weft {

namespace detail {

std::uint64_t local_new_key() noexcept;
void* local_find(std::uint64_t key) noexcept;  // null: this goroutine or thread has no value yet
void local_attach(std::uint64_t key, void* value, void (*destroy)(void*) noexcept);  // throws std::bad_alloc

}  // namespace detail

template <class T>
class local {
 public:
  local() noexcept : key_(detail::local_new_key()) {}
  local(const local&) = delete;
  local& operator=(const local&) = delete;

  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }

 private:
  T& get() const {
    if (void* existing = detail::local_find(key_)) return *static_cast<T*>(existing);
    T* made = new T();
    struct guard {
      T* value;
      ~guard() { delete value; }
    } unless_attached{made};
    detail::local_attach(key_, made, [](void* value) noexcept { delete static_cast<T*>(value); });
    unless_attached.value = nullptr;
    return *made;
  }

  std::uint64_t key_;
};

}  // namespace weft
