// Goroutine stacks: large reservations of address space that cost memory only where they were touched.
//
// A stack is the bytes [base, top), page aligned at both ends. Below base lies a guard that faults when touched (or,
// where the kernel cannot, an area that must stay zero: see canary_intact). Nothing of the bookkeeping lies in the
// stack.
//
//   stack::cache mine;                       // one per processor
//   stack::stack_ref s = mine.acquire();     // a handful of instructions when the cache has one
//   ...                                      // the owner may use every byte of [s.base, s.top)
//   mine.release(s);                         // contents stay: the next owner sees them (a recycled stack is warm)
//
// What lies beneath: cache → depot (one per size class, under a lock) → slabs of slots → os/memory.h. See depot.h for
// the whole picture and docs/design/stacks.md for the figures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/atomic.h"

namespace weft::stack {

struct stack_ref {
  std::byte* base = nullptr;  // lowest usable byte; the guard is right below
  std::byte* top = nullptr;   // one past the highest usable byte
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(top - base); }
  explicit operator bool() const noexcept { return top != nullptr; }
  friend bool operator==(stack_ref, stack_ref) = default;
};

namespace detail {
// Moves when caches must look up: the default size has changed, or there was a trim.
[[gnu::visibility("hidden")]] extern base::atomic<std::uint32_t> epoch;
[[gnu::visibility("hidden")]] extern base::atomic<bool> canaries_in_use;  // some slot has no guard that faults
bool is_canary_intact(stack_ref) noexcept;
void visit_live(void (*visit)(void* argument, std::byte* top, std::byte* base), void* argument);
}  // namespace detail

inline constexpr std::size_t built_in_default_size = 224 * 1024;  // with its guard 59 pages, an odd number

// A LIFO of default-size stacks for one processor. One owner at a time; the words are atomic only so that for_each_live
// may read them from elsewhere. When it runs empty it takes up to half its limit from the depot, and gives as many back
// when it is full. After each trim it keeps only the top few: what lay below them was not in use and may go cold. A
// cache must not be destroyed by a for_each_live callback.
class cache {
 public:
  static constexpr std::uint32_t capacity = 64;  // the limit; less for stacks larger than 256 KiB
  static constexpr std::uint32_t kept_after_trim = 8;

  cache() noexcept;
  ~cache();
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  // Never fails: dies with a message that names the limit to raise.
  stack_ref acquire() {
    if (!has_one()) [[unlikely]] return acquire_slowly();
    return take();
  }

  // Takes stacks of any size; those of another size than the default go to their depot.
  void release(stack_ref s) {
    if (!has_room_for(s)) [[unlikely]] return release_slowly(s);
    put(s);
  }

  // The same in pieces, for fast paths that have another way when there is more to do.
  [[nodiscard]] bool is_up_to_date() const noexcept { return epoch_ == detail::epoch.load(base::relaxed); }
  [[nodiscard]] bool has_one() const noexcept { return size() != 0 && is_up_to_date(); }
  stack_ref take() noexcept {  // REQUIRES: has_one()
    const std::uint32_t count = count_.load(base::relaxed) - 1;
    count_.store(count, base::relaxed);
    std::byte* const top = tops_[count].load(base::relaxed);
    return {top - usable_, top};
  }
  [[nodiscard]] bool hands_out_such(stack_ref s) const noexcept { return s.size() == usable_ && is_up_to_date(); }
  [[nodiscard]] bool has_room_for(stack_ref s) const noexcept { return size() != limit_ && s.size() == usable_; }
  void put(stack_ref s) noexcept {  // REQUIRES: has_room_for(s)
    const std::uint32_t count = count_.load(base::relaxed);
    tops_[count].store(s.top, base::relaxed);
    count_.store(count + 1, base::relaxed);
  }

  void flush();  // all to the depot: when the processor goes idle or away
  [[nodiscard]] std::size_t size() const noexcept { return count_.load(base::relaxed); }

 private:
  friend class cache_registry;
  [[gnu::noinline]] stack_ref acquire_slowly();
  [[gnu::noinline]] void release_slowly(stack_ref);
  void follow_epoch();
  void refill();
  void give_back(std::uint32_t oldest);  // this many, from the bottom

  base::atomic<std::uint32_t> count_{0};
  std::uint32_t epoch_ = 0;
  std::uint32_t limit_ = 0;
  std::size_t usable_ = 0;  // 0 until the first acquire
  std::array<base::atomic<std::byte*>, capacity> tops_;
  base::atomic<cache*> next_{nullptr};  // of the registry
};

// Stacks of any size, rounded up to a size class (at most 1/8 more, at least 16 KiB). Callable from any thread.
stack_ref acquire_sized(std::size_t bytes);
void release_sized(stack_ref);

// The size that caches hand out, rounded up to its class. Stacks in use keep theirs.
void set_default_size(std::size_t bytes);
std::size_t default_size() noexcept;

// Calls f(std::byte* top, std::byte* base) for each stack that some owner has acquired. Takes no lock and allocates
// nothing: for dumps, also from signal handlers. No stack it reports is unmapped before it returns, but an owner on
// another thread may have only just acquired it or be about to release it: f must check what it finds there.
template <class F>
void for_each_live(F&& f) {
  auto call = [](void* argument, std::byte* top, std::byte* base) {
    (*static_cast<std::remove_reference_t<F>*>(argument))(top, base);
  };
  detail::visit_live(call, const_cast<void*>(static_cast<const void*>(&f)));
}

enum class guard_kind : std::uint8_t {
  madvise,   // guard markers in the page table: fault, no VMA
  mprotect,  // a VMA without access: faults, two VMAs per stack, so only as far as vm.max_map_count allows
  canary,    // nothing faults: the area below base must stay zero
};
guard_kind guard();            // what the next slot will get
// As WEFT_DEBUG=guard=… does, for the slots opened from here on. `vma_limit` replaces vm.max_map_count; 0: the real one.
void force_guard(guard_kind, std::size_t vma_limit = 0);
const char* name_of(guard_kind) noexcept;

inline bool uses_canaries() noexcept { return detail::canaries_in_use.load(base::relaxed); }

// False: somebody wrote below base. Always true where the guard would have faulted.
inline bool canary_intact(stack_ref s) noexcept {
  return !uses_canaries() || detail::is_canary_intact(s);
}

// The slot that an address belongs to, in use or not; base is nullptr when it belongs to none. Async-signal-safe.
struct found {
  bool in_guard = false;
  std::byte* base = nullptr;
  std::byte* top = nullptr;
};
found find(const void* address) noexcept;

// What is mapped for stacks to come, and untouched: for those who read all memory. Part of it may be stacks by now.
std::span<const std::byte> mapped_ahead() noexcept;

// Gives memory back; returns a lower bound of the bytes (one page per stack that was in use). everything = false:
// only what nobody used since the last trim. everything = true: all that is free. System calls are made under no lock.
// Meant for the monitor: periodically, and with `everything` shortly after the program went idle.
std::size_t trim(bool everything);

struct statistics {
  std::size_t slabs;           // mapped
  std::size_t reserved_bytes;  // address space
  std::size_t live;            // acquired and not released
  std::size_t cached;          // free, in a cache
  std::size_t free_dirty;      // free in a depot, with the pages its last owner touched
  std::size_t free_clean;      // free in a depot, without memory
  std::size_t resident_bytes;  // estimate from below: one page per live, cached or dirty stack
};
statistics stats() noexcept;

}  // namespace weft::stack
