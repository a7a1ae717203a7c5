// All caches that exist. The walkers (for_each_live, stats) ask it, because a stack in a cache is out of its depot
// and yet nobody's.
#pragma once

#include <algorithm>

#include "base/spinlock.h"
#include "stack/slab.h"
#include "stack/stack.h"

namespace weft::stack {

class cache_registry {
 public:
  constexpr cache_registry() noexcept = default;

  void add(cache&) noexcept;
  void remove(cache&) noexcept;  // waits until no walker can stand on it

  // Async-signal-safe. REQUIRES: the caller holds a slab_pin.
  template <class F>
  void for_each_cached(F&& f) const noexcept {
    for (const cache* c = first_.load(base::seq_cst); c != nullptr; c = c->next_.load(base::acquire)) {
      const std::uint32_t held = std::min(c->count_.load(base::relaxed), cache::capacity);
      for (std::uint32_t i = 0; i < held; ++i)
        if (const std::byte* top = c->tops_[i].load(base::relaxed)) f(top);
    }
  }

 private:
  base::spinlock lock_{base::lock_rank::leaf};
  base::atomic<cache*> first_{nullptr};  // linked by cache::next_; links are written under lock_
};

extern cache_registry caches;

}  // namespace weft::stack
