#include "sched/newborn.h"

#include <mutex>
#include <new>

#include "base/assert.h"
#include "base/spinlock.h"
#include "sched/schedule.h"
#include "sched/worker.h"

namespace weft::sched {

struct newborn_cache::free_block {
  free_block* next;
};

namespace {

constexpr std::size_t block_bytes[newborn_cache::classes] = {64, 80, 96, 112, 128, 192, 256};
constexpr int from_operator_new = newborn_cache::classes;

int class_for(std::size_t bytes) noexcept {
  for (int c = 0; c < newborn_cache::classes; ++c)
    if (bytes <= block_bytes[c]) return c;
  return from_operator_new;
}

}  // namespace

// The shared lists: batches move between here and the caches. Chunks are never given back: a burst's high-water mark
// costs 64 bytes per goroutine that was spawned and not yet started.
struct newborn_depot {
  using free_block = newborn_cache::free_block;
  base::spinlock lock{base::lock_rank::memory};
  free_block* first[newborn_cache::classes] = {};  // guarded by lock

  // Fills an empty cache list with one batch.
  void refill(newborn_cache::list& into, int size_class) {
    {
      base::locked hold(lock);
      while (first[size_class] && into.size < newborn_cache::batch) {
        free_block* block = first[size_class];
        first[size_class] = block->next;
        block->next = into.first;
        into.first = block;
        ++into.size;
      }
    }
    if (into.first) return;
    const std::size_t bytes = block_bytes[size_class];
    auto* chunk = static_cast<std::byte*>(::operator new(bytes * newborn_cache::batch, std::align_val_t{64}));
    for (std::uint32_t i = newborn_cache::batch; i-- > 0;) {
      auto* block = reinterpret_cast<free_block*>(chunk + i * bytes);
      block->next = into.first;
      into.first = block;
    }
    into.size = newborn_cache::batch;
  }

  void give(newborn_cache::list& from, std::uint32_t keep, int size_class) noexcept {
    base::locked hold(lock);
    while (from.size > keep) {
      free_block* block = from.first;
      from.first = block->next;
      --from.size;
      block->next = first[size_class];
      first[size_class] = block;
    }
  }
};

namespace {
constinit newborn_depot depot;

// For callers without a processor: plain threads and detached goroutines.
constinit std::mutex outside_lock;  // an ordinary one: chunks are allocated under it
newborn_cache& outside_cache() noexcept {
  static auto* cache = new newborn_cache;  // never destroyed: threads may outlive static destructors
  return *cache;
}
}  // namespace

detail::newborn* newborn_cache::allocate(int size_class) {
  list& mine = lists_[size_class];
  if (!mine.first) [[unlikely]] depot.refill(mine, size_class);
  free_block* block = mine.first;
  mine.first = block->next;
  --mine.size;
  return reinterpret_cast<detail::newborn*>(block);
}

void newborn_cache::release(detail::newborn* n) noexcept {
  const int size_class = n->size_class;
  list& mine = lists_[size_class];
  auto* block = reinterpret_cast<free_block*>(n);
  block->next = mine.first;
  mine.first = block;
  if (++mine.size >= 2 * batch) [[unlikely]] depot.give(mine, batch, size_class);
}

void newborn_cache::flush() noexcept {
  for (int c = 0; c < classes; ++c) depot.give(lists_[c], 0, c);
}

}  // namespace weft::sched

namespace weft::detail {

using sched::newborn_cache;

newborn* newborn_allocate(std::size_t closure_bytes) {
  const std::size_t bytes = newborn_header_bytes + closure_bytes;
  const int size_class = sched::class_for(bytes);
  newborn* n;
  if (size_class == sched::from_operator_new) {
    n = static_cast<newborn*>(::operator new(bytes, std::align_val_t{16}));
  } else {
    sched::runtime_scope inside;
    if (auto* p = inside.processor()) {
      n = p->newborns.allocate(size_class);
    } else {
      std::lock_guard hold(sched::outside_lock);
      n = sched::outside_cache().allocate(size_class);
    }
  }
  n->size_class = static_cast<std::uint8_t>(size_class);
  n->in_world = false;
  return n;
}

void newborn_free(newborn* n) noexcept {
  if (n->size_class == sched::from_operator_new) {
    ::operator delete(n, std::align_val_t{16});
    return;
  }
  sched::runtime_scope inside;
  if (auto* p = inside.processor()) {
    p->newborns.release(n);
  } else {
    std::lock_guard hold(sched::outside_lock);
    sched::outside_cache().release(n);
  }
}

}  // namespace weft::detail
