// What the sanitizers are told about goroutines. In other builds all of this is nothing.
//
// ThreadSanitizer keeps the state of a thread for each goroutine and for each worker's native stack, a "fiber", and
// has to know which one runs. AddressSanitizer has to know on which stack a thread is, to tell a stack's variables from
// wild addresses and to find use after return; LeakSanitizer comes with it.
//
//   F1  leave_for() is the last thing before a switch of stacks, arrive() the first after it. Between the two nothing
//       instrumented runs that keeps variables in memory: both, and the switch, are in functions marked
//       WEFT_SWITCHES_STACKS.
//   F2  The fiber of a goroutine is made by whoever starts it, so that it knows what its creator knew, and reports name
//       the place of the go(). It waits before the newborn's block until its first run (fiber.cpp).
//   F3  A goroutine's last leave_for() says so; whoever arrives then buries the fiber and cleans the stack: what its
//       next owner finds there is no trace of the former.
//   F4  LeakSanitizer looks for pointers where threads are. At exit, when the workers stand still, it is shown where
//       goroutines are: the live part of each stack, and the variables kept elsewhere that it points to.
//   F5  errno is the thread's, and a thread's goroutines use it in turn. No two of them do so at the same time, nor is one
//       in order with the next: at each arrival the detector forgets who used it.
// Refused: one fiber per worker, with edges from switch to switch: everything that ever ran on one worker would be in
// order, and no race between two goroutines of one worker would be found.
#pragma once

#include <cstddef>

#include "stack/stack.h"

namespace weft::detail {
struct newborn;
}

namespace weft::sched {

#if defined(WEFT_TSAN) || defined(WEFT_ASAN)

inline constexpr bool has_fibers = true;
inline constexpr std::size_t fiber_header_bytes = 16;  // before a newborn's block: F2

struct fiber {
  void* state = nullptr;          // TSan: the fiber; ASan: where variables are that outlive their function (fake stack)
  const void* bottom = nullptr;   // ASan: of the stack
  std::size_t bytes = 0;
};

fiber fiber_of_this_thread() noexcept;          // of a worker's native stack; silences the worker
void conceive(detail::newborn*) noexcept;       // F2; REQUIRES: its id and its name
void deliver(detail::newborn*, fiber&, stack::stack_ref) noexcept;
void leave_for(fiber& from, const fiber& to, bool for_good = false) noexcept;
void arrive(fiber& here) noexcept;
void bury_fiber(fiber&, stack::stack_ref) noexcept;
void show_stacks_to_leak_sanitizer() noexcept;  // F4

#ifdef WEFT_ASAN
inline constexpr std::size_t room_for_frames = 2;  // stacks are so many times as large: there is room between variables
#else
inline constexpr std::size_t room_for_frames = 1;
#endif

#if defined(__clang__)
#define WEFT_SWITCHES_STACKS [[clang::no_sanitize("address", "undefined")]]
#else
#define WEFT_SWITCHES_STACKS [[gnu::no_sanitize_address, gnu::no_sanitize_undefined]]
#endif

#else

inline constexpr bool has_fibers = false;
inline constexpr std::size_t fiber_header_bytes = 0;
inline constexpr std::size_t room_for_frames = 1;
struct fiber {};
inline fiber fiber_of_this_thread() noexcept { return {}; }
inline void conceive(detail::newborn*) noexcept {}
inline void deliver(detail::newborn*, fiber&, stack::stack_ref) noexcept {}
inline void leave_for(fiber&, const fiber&, bool = false) noexcept {}
inline void arrive(fiber&) noexcept {}
inline void bury_fiber(fiber&, stack::stack_ref) noexcept {}
inline void show_stacks_to_leak_sanitizer() noexcept {}
#define WEFT_SWITCHES_STACKS

#endif

}  // namespace weft::sched
