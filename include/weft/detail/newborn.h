// A newborn is a goroutine that has not run yet: one small block with its closure. It gets a stack only when it first
// runs, so a burst of short goroutines needs as many stacks as there are processors (sched/newborn.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <functional>

namespace weft::sched {
struct member;
}

namespace weft::detail {

struct newborn {
  void (*run)(newborn*);        // moves the closure out, frees the block, calls the closure
  std::uint64_t id;
  std::uint64_t creator;        // id of the goroutine that called go(); 0: a plain thread
  const void* start_site;       // where go() was called
  union {
    const char* name;           // not owned
    sched::member* membership;  // of a world (sched/seam.h); it knows the name
  };
  std::uint32_t stack_kib;      // 0: the default
  std::uint8_t size_class;      // of this block
  bool in_world;                // `membership` counts, not `name`
};

inline constexpr std::size_t newborn_header_bytes = 48;
static_assert(sizeof(newborn) <= newborn_header_bytes || sizeof(void*) != 8);

// `closure_bytes` of storage follow the header, aligned to 16. Throws std::bad_alloc.
newborn* newborn_allocate(std::size_t closure_bytes);
void newborn_free(newborn*) noexcept;
inline void* newborn_closure(newborn* n) noexcept { return reinterpret_cast<std::byte*>(n) + newborn_header_bytes; }

// Queues the newborn: it belongs to the scheduler from here on. The caller's return address is its start site.
void spawn(newborn*, const char* name = "", std::size_t stack_size = 0);

// A closure larger than this, or one whose move may throw, runs where it was built instead of on the goroutine's stack.
inline constexpr std::size_t largest_moved_closure = 512;

template <class Closure>
void run_newborn(newborn* n) {
  auto* stored = std::launder(static_cast<Closure*>(newborn_closure(n)));
  if constexpr (std::is_nothrow_move_constructible_v<Closure> && sizeof(Closure) <= largest_moved_closure) {
    Closure closure(std::move(*stored));
    stored->~Closure();
    newborn_free(n);
    std::move(closure)();
  } else {
    struct cleanup {
      newborn* block;
      Closure* closure;
      ~cleanup() {
        closure->~Closure();
        newborn_free(block);
      }
    } at_end{n, stored};
    std::move (*stored)();
  }
}

// What std::thread would call: decay copies of a function and its arguments.
template <class F, class... Args>
struct call_closure {
  std::tuple<F, Args...> parts;
  void operator()() && {
    std::apply([](auto&&... part) { static_cast<void>(std::invoke(std::move(part)...)); }, std::move(parts));
  }
};
template <class F>
struct call_closure<F> {
  F function;
  void operator()() && { static_cast<void>(std::invoke(std::move(function))); }
};

template <class F, class... Args>
newborn* make_newborn(F&& function, Args&&... args) {
  using closure = call_closure<std::decay_t<F>, std::decay_t<Args>...>;
  static_assert(alignof(closure) <= 16, "weft::go: over-aligned closures are not supported; pass a pointer");
  static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
                "weft::go: the function cannot be called with these arguments (they are decay-copied, as std::thread does)");
  newborn* n = newborn_allocate(sizeof(closure));
  struct give_back {
    newborn* block;
    ~give_back() {
      if (block) newborn_free(block);
    }
  } unless_built{n};
  if constexpr (sizeof...(Args) == 0) ::new (newborn_closure(n)) closure{std::forward<F>(function)};
  else ::new (newborn_closure(n)) closure{{std::forward<F>(function), std::forward<Args>(args)...}};
  unless_built.block = nullptr;
  n->run = run_newborn<closure>;
  return n;
}

}  // namespace weft::detail
