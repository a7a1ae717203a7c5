// A cache of reusable objects, one list per processor.
//
//   weft::pool<std::string> buffers;
//   auto line = buffers.get();      // a used one, or T()
//   line->clear();                  // objects come back as they were left
//                                   // returns to the pool when `line` dies
//
// The pool keeps a bounded number of objects per processor and destroys the rest. It must outlive what it lent.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace weft {

namespace detail {

// The untyped core: stacks of pointers, one per processor and one for plain threads (sync/pool.cpp).
class pool_core {
 public:
  explicit pool_core(void (*destroy)(void*) noexcept);
  ~pool_core();
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;
  void* get() noexcept;                // null: nothing cached here
  void put(void* object) noexcept;

 private:
  struct shard;
  shard& mine() noexcept;
  void (*destroy_)(void*) noexcept;
  std::unique_ptr<shard[]> shards_;
};

}  // namespace detail

template <class T>
class pool {
 public:
  // What get() lends: a unique pointer that gives the object back.
  class handle {
   public:
    handle(handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)), home_(other.home_) {}
    handle& operator=(handle other) noexcept {
      std::swap(object_, other.object_);
      std::swap(home_, other.home_);
      return *this;
    }
    ~handle() {
      if (object_) home_->put(object_);
    }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }

   private:
    friend class pool;
    handle(T* object, detail::pool_core* home) noexcept : object_(object), home_(home) {}
    T* object_;
    detail::pool_core* home_;
  };

  pool() : pool([] { return T(); }) {}
  template <class F>
    requires std::is_invocable_r_v<T, F&>
  explicit pool(F make) : core_([](void* object) noexcept { delete static_cast<T*>(object); }), make_(std::move(make)) {}

  handle get() {  // never blocks; allocates when nothing is cached
    if (void* cached = core_.get()) return handle(static_cast<T*>(cached), &core_);
    return handle(new T(make_()), &core_);
  }

 private:
  detail::pool_core core_;
  std::function<T()> make_;
};

}  // namespace weft
