#include "stack/stack.h"

#include <algorithm>

#include "stack/cache_registry.h"
#include "stack/depot.h"

namespace weft::stack {
namespace {

constexpr std::uint32_t slabs_kept_when_idle = 2;  // of the default size: mapping and guarding them again costs more

constinit base::atomic<std::size_t> default_bytes{0};  // 0: built_in_default
constinit base::atomic<bool> is_trimming{false};

}  // namespace

namespace detail {
constinit base::atomic<std::uint32_t> epoch{1};

void visit_live(void (*visit)(void*, std::byte*, std::byte*), void* argument) {
  const slab_pin pin;
  for_each_slab([&](const slab& s) {
    slot_mask live = snapshot(s.out);
    if (!any(live)) return;
    caches.for_each_cached([&](const std::byte* top) {
      if (top <= s.base || top > s.base + s.mapped_bytes) return;
      const std::uint32_t slot = s.slot_of(top - 1);
      live[slot / 64] &= ~slot_bit(slot);
    });
    for_each_slot(live, [&](std::uint32_t slot) { visit(argument, s.top(slot), s.usable_start(slot)); });
  });
}

}  // namespace detail

// --- sizes -----------------------------------------------------------------------------------------------------------

stack_ref acquire_sized(std::size_t bytes) {
  depot& d = depot::of_size(bytes);
  std::byte* top = nullptr;
  d.take({&top, 1});
  return {top - d.shape().usable, top};
}

void release_sized(stack_ref s) { depot::of_size(s.size()).put({&s.top, 1}); }

void set_default_size(std::size_t bytes) {
  default_bytes.store(depot::of_size(bytes).shape().usable, base::relaxed);
  detail::epoch.fetch_add(1, base::release);
}

std::size_t default_size() noexcept {
  const std::size_t bytes = default_bytes.load(base::relaxed);
  return bytes != 0 ? bytes : class_size(class_of(built_in_default_size));
}

// --- looking and tidying
// ----------------------------------------------------------------------------------------------

found find(const void* address) noexcept {
  const auto* at = static_cast<const std::byte*>(address);
  const slab* s = slab_of(at);
  if (s == nullptr) return {};
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
  if (everything) unmap_ahead();
  is_trimming.store(false, base::release);
  return bytes;
}

statistics stats() noexcept {
  const slab_pin pin;
  statistics sum{};
  for_each_slab([&](slab& s) { s.home->add_statistics(s, sum); });
  caches.for_each_cached([&](const std::byte*) { ++sum.cached; });
  sum.live -= std::min(sum.live, sum.cached);
  sum.resident_bytes = (sum.live + sum.cached + sum.free_dirty) * os::page_size();
  return sum;
}

}  // namespace weft::stack
