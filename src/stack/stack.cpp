#include "stack/stack.h"

#include <algorithm>

#include "base/assert.h"
#include "base/fatal.h"
#include "stack/depot.h"

namespace weft::stack {
namespace {

constexpr std::size_t built_in_default = 224 * 1024;  // with its guard 59 pages: see docs/design/stacks.md
constexpr std::uint32_t slabs_kept_when_idle = 2;

constinit base::atomic<std::size_t> default_bytes{0};  // 0: the built-in one
constinit base::atomic<bool> is_trimming{false};

depot& depot_of_size(std::size_t bytes) {
  if (bytes > largest_stack) base::fatal("a stack of %zu bytes is beyond any address space", bytes);
  return depot::of_class(class_of(bytes));
}

// --- burst: back the tops of fresh stacks in one system call --------------------------------------------------------

// A quarter of what the burst took so far, so that a program's memory grows by at most that much too early.
void populate_tops(std::span<std::byte* const> tops, std::uint32_t fresh_streak) {
  std::array<os::memory_range, cache::move> ranges;
  const std::size_t page = os::page_size();
  const std::size_t n = std::min<std::size_t>(tops.size(), fresh_streak / 4);
  if (n < 8) return;
  for (std::size_t i = 0; i < n; ++i) ranges[i] = {tops[i] - page, page};
  os::populate({ranges.data(), n});
}

}  // namespace

// All caches that exist, for the walkers: those must not count what a cache holds as in use.
struct cache_registry {
  base::spinlock lock{base::lock_rank::leaf};
  base::atomic<cache*> first{nullptr};

  void add(cache& c) noexcept {
    base::locked guard(lock);
    c.next_.store(first.load(base::relaxed), base::relaxed);
    first.store(&c, base::release);
  }
  void remove(cache& c) noexcept {
    {
      base::locked guard(lock);
      base::atomic<cache*>* link = &first;
      while (link->load(base::relaxed) != &c) link = &link->load(base::relaxed)->next_;
      link->store(c.next_.load(base::relaxed), base::seq_cst);
    }
    // A walker may stand on it. Walks are rare, and so are deaths of caches.
    base::thread_fence(base::seq_cst);
    base::backoff spin;
    while (slab_pin::is_held()) spin.wait();
  }
  // REQUIRES: the caller holds a slab_pin
  template <class F>
  void for_each_cached(F&& f) const noexcept {
    for (const cache* c = first.load(base::acquire); c != nullptr; c = c->next_.load(base::acquire)) {
      const std::uint32_t held = std::min(c->count_.load(base::relaxed), cache::capacity);
      for (std::uint32_t i = 0; i < held; ++i)
        if (std::byte* top = c->tops_[i].load(base::relaxed)) f(top);
    }
  }
};

namespace {
constinit cache_registry caches;
}

namespace detail {
constinit base::atomic<std::uint32_t> epoch{1};

void visit_live(void (*visit)(void*, std::byte*, std::byte*), void* argument) {
  slab_pin pin;
  for_each_slab([&](const slab& s) {
    slot_mask live = snapshot(s.out);
    if (!any(live)) return;
    caches.for_each_cached([&](std::byte* top) {
      if (top <= s.base || top > s.base + s.mapped_bytes) return;
      const std::uint32_t slot = s.slot_of(top - 1);
      live[slot / 64] &= ~slot_bit(slot);
    });
    for_each_slot(live, [&](std::uint32_t slot) { visit(argument, s.top(slot), s.usable_start(slot)); });
  });
}

}  // namespace detail

// --- cache -----------------------------------------------------------------------------------------------------------

cache::cache() noexcept { caches.add(*this); }

cache::~cache() {
  flush();
  caches.remove(*this);
}

stack_ref cache::acquire_slowly() {
  follow_epoch();
  if (count_.load(base::relaxed) == 0) refill();
  const std::uint32_t count = count_.load(base::relaxed) - 1;
  std::byte* const top = tops_[count].load(base::relaxed);
  count_.store(count, base::relaxed);
  return {top - usable_, top};
}

void cache::follow_epoch() {
  const std::uint32_t now = detail::epoch.load(base::acquire);
  if (now == epoch_) return;
  epoch_ = now;
  if (const std::size_t bytes = default_size(); bytes != usable_) {
    flush();
    usable_ = bytes;
  } else if (const std::uint32_t count = count_.load(base::relaxed); count > kept_after_trim) {
    give_back(count - kept_after_trim);
  }
}

void cache::refill() {
  std::array<std::byte*, move> tops;
  const depot::taken taken = depot_of_size(usable_).take(tops);
  fresh_streak_ = taken.fresh == 0 ? 0 : fresh_streak_ + taken.fresh;
  if (taken.fresh != 0) populate_tops({tops.data(), taken.count}, fresh_streak_ - taken.fresh);
  for (std::uint32_t i = 0; i < taken.count; ++i)  // the first one on top: it is the one surely populated
    tops_[i].store(tops[taken.count - 1 - i], base::relaxed);
  count_.store(taken.count, base::relaxed);
}

void cache::release_slowly(stack_ref s) {
  weft_assert(s.top != nullptr, "released a stack that is none");
  if (s.size() != usable_) return release_sized(s);
  fresh_streak_ = 0;
  give_back(move);
  release(s);
}

void cache::give_back(std::uint32_t count) {
  std::array<std::byte*, capacity> tops;
  const std::uint32_t held = count_.load(base::relaxed);
  for (std::uint32_t i = 0; i < held; ++i) tops[i] = tops_[i].load(base::relaxed);
  count_.store(0, base::relaxed);  // a walker in between takes the rest for live, never a free one for gone
  for (std::uint32_t i = count; i < held; ++i) tops_[i - count].store(tops[i], base::relaxed);
  count_.store(held - count, base::relaxed);
  depot_of_size(usable_).put({tops.data(), count});
}

void cache::flush() {
  fresh_streak_ = 0;
  if (const std::uint32_t held = count_.load(base::relaxed); held != 0) give_back(held);
}

// --- sizes -----------------------------------------------------------------------------------------------------------

stack_ref acquire_sized(std::size_t bytes) {
  depot& d = depot_of_size(bytes);
  std::byte* top;
  d.take({&top, 1});
  return {top - d.shape().usable, top};
}

void release_sized(stack_ref s) { depot_of_size(s.size()).put_bounded(s.top); }

void set_default_size(std::size_t bytes) {
  default_bytes.store(depot_of_size(bytes).shape().usable, base::relaxed);
  detail::epoch.fetch_add(1, base::release);
}

std::size_t default_size() noexcept {
  const std::size_t bytes = default_bytes.load(base::relaxed);
  return bytes != 0 ? bytes : class_size(class_of(built_in_default));
}

// --- the rest --------------------------------------------------------------------------------------------------------

found find(const void* address) noexcept {
  const auto* at = static_cast<const std::byte*>(address);
  const slab* s = slab_of(at);
  if (s == nullptr || at < s->base) return {};
  const std::uint32_t slot = s->slot_of(at);
  if (slot >= s->opened.load(base::acquire)) return {};
  return {.in_guard = at < s->usable_start(slot), .base = s->usable_start(slot), .top = s->top(slot)};
}

std::size_t trim(bool everything) {
  if (is_trimming.exchange(true, base::acquire)) return 0;  // somebody is at it
  detail::epoch.fetch_add(1, base::release);
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < size_classes; ++index) {
    depot* d = depot::find_class(index);
    if (d == nullptr) continue;
    const bool is_default = d->shape().usable == default_size();
    bytes += d->trim(everything, is_default ? slabs_kept_when_idle : 0);
  }
  is_trimming.store(false, base::release);
  return bytes;
}

statistics stats() noexcept {
  slab_pin pin;
  statistics sum{};
  for_each_slab([&](slab& s) { s.home->add_statistics(s, sum); });
  caches.for_each_cached([&](std::byte*) { ++sum.cached; });
  sum.live -= std::min(sum.live, sum.cached);
  sum.resident_bytes = (sum.live + sum.cached + sum.free_dirty) * os::page_size();
  return sum;
}

}  // namespace weft::stack
