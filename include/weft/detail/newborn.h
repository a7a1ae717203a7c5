// A newborn is a goroutine that has not run yet: one small block with its closure. It gets a stack only when it first
// runs, so a burst of short goroutines needs as many stacks as there are processors (sched/newborn.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <functional>

namespace weft::sched {
struct member;
}

namespace weft::detail {

struct group;

// What the union of a newborn holds.
enum class newborn_kind : std::uint8_t { named, in_group, in_world };

struct newborn {
  void (*run)(newborn*);        // moves the closure out, frees the block, calls the closure
  std::uint64_t id;
  std::uint64_t creator;        // id of the goroutine that called go(); 0: a plain thread
  const void* start_site;       // where go() was called
  union {
    const char* name;           // not owned
    group* born_into;           // it has no name
    sched::member* membership;  // of a world (sched/seam.h); it knows the name and the group
  };
  std::uint32_t stack_kib;      // 0: the default
  std::uint8_t size_class;      // of this block; newborn_in_place: it is none
  newborn_kind kind;
  std::uint16_t more;           // siblings that begin after this one, in its block, with the ids that follow (sched/due_calls.h)
};

inline constexpr std::size_t newborn_header_bytes = 48;
static_assert(sizeof(newborn) <= newborn_header_bytes || sizeof(void*) != 8);

// Blocks come in a few sizes; larger ones from operator new.
inline constexpr int newborn_classes = 7;
inline constexpr std::uint8_t newborn_in_place = 0xFF;
inline constexpr std::size_t newborn_block_bytes[newborn_classes] = {64, 80, 96, 112, 128, 192, 256};
constexpr int block_class_for(std::size_t bytes) noexcept {
  int size_class = 0;
  while (size_class < newborn_classes && newborn_block_bytes[size_class] < bytes) ++size_class;
  return size_class;
}

// A newborn of kind `named`, without name, for the default stack. `closure_bytes` of storage follow the header, aligned to
// 16. Throws std::bad_alloc.
newborn* newborn_allocate(int size_class);
newborn* newborn_allocate_large(std::size_t closure_bytes);
template <std::size_t closure_bytes>
newborn* newborn_allocate_for() {
  constexpr int size_class = block_class_for(newborn_header_bytes + closure_bytes);
  if constexpr (size_class < newborn_classes) return newborn_allocate(size_class);
  else return newborn_allocate_large(closure_bytes);
}
void newborn_free(newborn*) noexcept;
inline void newborn_release(newborn* n) noexcept {
  if (n->size_class != newborn_in_place) newborn_free(n);
}
inline void* newborn_closure(newborn* n) noexcept { return reinterpret_cast<std::byte*>(n) + newborn_header_bytes; }

// Queues the newborn: it belongs to the scheduler from here on. The caller's return address is its start site.
void spawn(newborn*);
void spawn(newborn*, const char* name, std::size_t stack_size);

// A closure larger than this, or one whose move may throw, runs where it was built instead of on the goroutine's stack.
inline constexpr std::size_t largest_moved_closure = 512;

template <class Closure>
void run_newborn(newborn* n) {
  auto* stored = std::launder(static_cast<Closure*>(newborn_closure(n)));
  if constexpr (std::is_nothrow_move_constructible_v<Closure> && sizeof(Closure) <= largest_moved_closure) {
    Closure closure(std::move(*stored));
    stored->~Closure();
    newborn_release(n);
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
using closure_of = call_closure<std::decay_t<F>, std::decay_t<Args>...>;

template <class F, class... Args>
newborn* make_newborn(F&& function, Args&&... args) {
  using closure = closure_of<F, Args...>;
  static_assert(alignof(closure) <= 16, "weft::go: over-aligned closures are not supported; pass a pointer");
  static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
                "weft::go: the function cannot be called with these arguments (they are decay-copied, as std::thread does)");
  newborn* n = newborn_allocate_for<sizeof(closure)>();
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

// Small closures that may be copied as bytes need no block: spawn_small() copies their words to those of others of its
// kind (sched/litter.h).
struct small_kind {
  void (*run)(newborn*);
  std::uint32_t words;
};
inline constexpr std::size_t small_closure_words = 4;
template <class Closure>
inline constexpr bool is_small = std::is_trivially_copyable_v<Closure> && std::is_trivially_destructible_v<Closure> &&
                                 sizeof(Closure) <= small_closure_words * 8 && alignof(Closure) <= 8;

template <class Closure>
inline constexpr small_kind small_kind_of = {run_newborn<Closure>, std::is_empty_v<Closure> ? 0 : (sizeof(Closure) + 7) / 8};

template <class Closure>
struct small_closure {
  std::uint64_t words[small_kind_of<Closure>.words + 1] = {};
  explicit small_closure(const Closure& c) noexcept {
    if constexpr (small_kind_of<Closure>.words != 0) std::memcpy(words, &c, sizeof c);
  }
};

void spawn_small(const small_kind&, const std::uint64_t* closure);

// Starts a goroutine. Inlined, so that spawn()'s return address is in the caller of go().
template <class F, class... Args>
[[gnu::always_inline]] inline void start(F&& function, Args&&... args) {
  using closure = closure_of<F, Args...>;
  if constexpr (sizeof...(Args) == 0 && is_small<closure>)
    spawn_small(small_kind_of<closure>, small_closure<closure>(closure{std::forward<F>(function)}).words);
  else
    spawn(make_newborn(std::forward<F>(function), std::forward<Args>(args)...));
}

}  // namespace weft::detail
