// The slow paths of a processor's cache: an empty or a full one, another default size, a trim.

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "stack/cache_registry.h"
#include "stack/depot.h"

namespace weft::stack {

constinit cache_registry caches;

namespace {
// What a cache may keep from the others, counted as if each of its stacks had been used to the last byte.
constexpr std::size_t cached_bytes = std::size_t{16} << 20;
}  // namespace

void cache_registry::add(cache& c) noexcept {
  base::locked guard(lock_);
  c.next_.store(first_.load(base::relaxed), base::relaxed);
  first_.store(&c, base::release);
}

void cache_registry::remove(cache& c) noexcept {
  {
    base::locked guard(lock_);
    base::atomic<cache*>* link = &first_;
    while (link->load(base::relaxed) != &c) link = &link->load(base::relaxed)->next_;
    // seq_cst: pairs with slab_pin. Either the walker finds the cache gone, or we find its pin.
    link->store(c.next_.load(base::relaxed), base::seq_cst);
  }
  base::backoff spin;
  while (slab_pin::is_held()) spin.wait();
}

cache::cache() noexcept { caches.add(*this); }

cache::~cache() {
  flush();
  caches.remove(*this);
}

stack_ref cache::acquire_slowly() {
  follow_epoch();
  if (count_.load(base::relaxed) == 0) refill();
  const std::uint32_t count = count_.load(base::relaxed) - 1;
  count_.store(count, base::relaxed);
  std::byte* const top = tops_[count].load(base::relaxed);
  return {top - usable_, top};
}

void cache::follow_epoch() {
  const std::uint32_t now = detail::epoch.load(base::acquire);
  if (now == epoch_) return;
  epoch_ = now;
  if (const std::size_t bytes = default_size(); bytes != usable_) {
    flush();
    usable_ = bytes;
    limit_ = static_cast<std::uint32_t>(std::clamp<std::size_t>(cached_bytes / bytes, 2, capacity));
  } else if (const std::uint32_t held = count_.load(base::relaxed), kept = std::min(kept_after_trim, limit_ / 2);
             held > kept) {
    give_back(held - kept);
  }
}

void cache::refill() {
  std::array<std::byte*, capacity> tops;
  const std::uint32_t taken = depot::of_size(usable_).take(std::span(tops).first(limit_ / 2));
  for (std::uint32_t i = 0; i < taken; ++i)  // the lowest address on top
    tops_[i].store(tops[taken - 1 - i], base::relaxed);
  count_.store(taken, base::relaxed);
}

void cache::release_slowly(stack_ref s) {
  weft_assert(s.top != nullptr, "released a stack that is none");
  if (s.size() != usable_) return release_sized(s);
  give_back(limit_ / 2);
  release(s);
}

void cache::give_back(std::uint32_t oldest) {
  std::array<std::byte*, capacity> tops;
  const std::uint32_t held = count_.load(base::relaxed);
  for (std::uint32_t i = 0; i < held; ++i) tops[i] = tops_[i].load(base::relaxed);
  count_.store(0, base::relaxed);  // a walker in between takes the rest for live, never a live one for cached
  for (std::uint32_t i = oldest; i < held; ++i) tops_[i - oldest].store(tops[i], base::relaxed);
  count_.store(held - oldest, base::relaxed);
  depot::of_size(usable_).put(std::span(tops).first(oldest));
}

void cache::flush() {
  if (const std::uint32_t held = count_.load(base::relaxed); held != 0) give_back(held);
}

}  // namespace weft::stack
