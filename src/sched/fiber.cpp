#include "sched/fiber.h"

#if defined(WEFT_TSAN) || defined(WEFT_ASAN)

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <pthread.h>
#include <sys/mman.h>

#include <weft/detail/newborn.h>

#include "base/race.h"
#include "sched/birth.h"
#include "sched/seam.h"

#ifdef WEFT_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void*);
void __tsan_switch_to_fiber(void*, unsigned flags);
void __tsan_set_fiber_name(void*, const char*);
void __tsan_func_entry(void* caller);
void __tsan_func_exit();
void __tsan_java_alloc(std::uintptr_t address, std::uintptr_t bytes);
void __tsan_java_free(std::uintptr_t address, std::uintptr_t bytes);
}
#else
extern "C" {
void __sanitizer_start_switch_fiber(void** saved, const void* bottom, std::size_t bytes);
void __sanitizer_finish_switch_fiber(void* saved, const void** old_bottom, std::size_t* old_bytes);
void __asan_unpoison_memory_region(const volatile void*, std::size_t);
void* __asan_addr_is_in_fake_stack(void* fake_stack, void* address, void** begin, void** end);
void __lsan_register_root_region(const void*, std::size_t);
}
#endif

namespace weft::sched {

#ifdef WEFT_TSAN

namespace {

constexpr unsigned without_order = 1;  // __tsan_switch_to_fiber_no_sync

void*& fiber_before(detail::newborn* n) noexcept {
  return *reinterpret_cast<void**>(reinterpret_cast<std::byte*>(n) - fiber_header_bytes);
}

// The detector forgets the accesses to the stack and the order that was made through places in it. It does so for
// memory that is unmapped, before it asks the kernel; the kernel refuses a range that begins within a page, so the
// memory stays.
void forget(stack::stack_ref s) noexcept {
  base::race::quiet unnoticed;
  ::munmap(s.base + 8, s.size() - 8);
}

// Of so little memory as a word it forgets the accesses where a virtual machine's heap makes an object.
void forget_errno() noexcept {
  const auto word = reinterpret_cast<std::uintptr_t>(&errno) & ~std::uintptr_t{7};
  __tsan_java_alloc(word, 8);
  __tsan_java_free(word, 8);
}

}  // namespace

fiber fiber_of_this_thread() noexcept {
  base::race::mute_this_thread();
  return {.state = __tsan_get_current_fiber()};
}

void conceive(detail::newborn* n) noexcept {
  const base::race::quiet unnoticed;
  char name[64];
  const char* given = "";
  if (n->kind == detail::newborn_kind::named) given = n->name;
  if (n->kind == detail::newborn_kind::in_world) given = n->membership->name;
  std::snprintf(name, sizeof name, "goroutine %llu%s%.30s%s", static_cast<unsigned long long>(n->id),
                *given ? " [" : "", given, *given ? "]" : "");
  __tsan_func_entry(const_cast<void*>(n->start_site));  // so that reports have the line of the go()
  fiber_before(n) = __tsan_create_fiber(0);
  __tsan_func_exit();
  __tsan_set_fiber_name(fiber_before(n), name);
}

void deliver(detail::newborn* n, fiber& into, stack::stack_ref) noexcept { into.state = fiber_before(n); }
void leave_for(fiber&, const fiber& to, bool) noexcept { __tsan_switch_to_fiber(to.state, without_order); }
void arrive(fiber&) noexcept { forget_errno(); }

void bury_fiber(fiber& dead, stack::stack_ref s) noexcept {
  __tsan_destroy_fiber(dead.state);
  forget(s);
}

void show_stacks_to_leak_sanitizer() noexcept {}

#else

fiber fiber_of_this_thread() noexcept {
  pthread_attr_t attributes;
  void* bottom = nullptr;
  std::size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &bottom, &bytes);
    pthread_attr_destroy(&attributes);
  }
  return {.state = nullptr, .bottom = bottom, .bytes = bytes};
}

void conceive(detail::newborn*) noexcept {}
void deliver(detail::newborn*, fiber& into, stack::stack_ref s) noexcept { into = {nullptr, s.base, s.size()}; }

WEFT_SWITCHES_STACKS void leave_for(fiber& from, const fiber& to, bool for_good) noexcept {
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.state, to.bottom, to.bytes);
}
WEFT_SWITCHES_STACKS void arrive(fiber& here) noexcept { __sanitizer_finish_switch_fiber(here.state, nullptr, nullptr); }

void bury_fiber(fiber&, stack::stack_ref s) noexcept { __asan_unpoison_memory_region(s.base, s.size()); }

namespace {

// Whatever looks like a pointer to a function's variables in the fake stack keeps them.
WEFT_SWITCHES_STACKS void show_fake_frames(void* fake_stack, std::byte* from, std::byte* to) noexcept {
  for (auto* word = reinterpret_cast<void**>(from); word + 1 <= reinterpret_cast<void**>(to); ++word) {
    void *begin = nullptr, *end = nullptr;
    if (!__asan_addr_is_in_fake_stack(fake_stack, *word, &begin, &end)) continue;
    const auto bytes = static_cast<std::byte*>(end) - static_cast<std::byte*>(begin);
    __lsan_register_root_region(begin, static_cast<std::size_t>(bytes));
  }
}

}  // namespace

void show_stacks_to_leak_sanitizer() noexcept {
  stack::for_each_live([](std::byte* top, std::byte* bottom) {
    goroutine* g = goroutine_at(top);
    if (g->mark.load(base::relaxed) != goroutine::alive_mark) return;
    auto* from = static_cast<std::byte*>(g->context.sp.load(base::acquire));
    const bool is_parked = from >= bottom && from < top;
    if (!is_parked) from = bottom;  // it runs: its worker did not come to a place where it could stop
    __lsan_register_root_region(from, static_cast<std::size_t>(top - from));
    // The fake stack of one that runs is its thread's, which the sanitizer knows; it may be gone at any moment.
    if (is_parked && g->sanitized.state) show_fake_frames(g->sanitized.state, from, top);
  });
}

#endif

}  // namespace weft::sched

#endif
