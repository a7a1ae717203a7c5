#include "sched/newborn.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/spinlock.h"
#include "sched/fiber.h"
#include "sched/schedule.h"
#include "sched/worker.h"

namespace weft::sched {

// The shared lists: batches move between here and the caches. New batches are cut from chunks, each twice as large as the
// one before, up to a megabyte: malloc grows in steps of what is asked for, by a system call each. Chunks are never given
// back: a burst's high-water mark costs 64 bytes per goroutine that was spawned and not yet started. Refused: huge pages
// for the chunks of large bursts. Where the host of a virtual machine has taken free memory back, it is those that it has
// to find again, all 512 at once (docs/design/performance.md).
struct newborn_depot {
  using free_block = newborn_cache::free_block;
  static constexpr std::size_t first_chunk = 16 * 1024, largest_chunk = 1024 * 1024;
  static_assert(first_chunk >= newborn_cache::batch * detail::newborn_block_bytes[newborn_cache::classes - 1]);

  base::spinlock lock{base::lock_rank::memory};
  free_block* first[newborn_cache::classes] = {};  // guarded by lock
  std::byte* unused = nullptr;                     // guarded by lock: what is left of the latest chunk ...
  std::size_t unused_bytes = 0;                    // ... is this much
  std::size_t next_chunk = first_chunk;            // guarded by lock

  // Fills an empty cache list with one batch.
  void refill(newborn_cache::list& into, int size_class) {
    const std::size_t bytes = detail::newborn_block_bytes[size_class], wanted = bytes * newborn_cache::batch;
    std::byte* fresh = nullptr;
    std::size_t chunk_bytes = 0;
    {
      base::locked hold(lock);
      take_free(into, size_class);
      if (into.first) return;
      if (unused_bytes >= wanted) {
        fresh = take_unused(wanted);
      } else {
        chunk_bytes = next_chunk;
        next_chunk = std::min(2 * next_chunk, largest_chunk);
      }
    }
    if (!fresh) fresh = cut_from_new_chunk(chunk_bytes, wanted);
    for (std::uint32_t i = newborn_cache::batch; i-- > 0;) {
      auto* block = reinterpret_cast<free_block*>(fresh + i * bytes);
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

 private:
  void take_free(newborn_cache::list& into, int size_class) noexcept {
    while (first[size_class] && into.size < newborn_cache::batch) {
      free_block* block = first[size_class];
      first[size_class] = block->next;
      block->next = into.first;
      into.first = block;
      ++into.size;
    }
  }
  std::byte* take_unused(std::size_t wanted) noexcept {
    unused_bytes -= wanted;
    return std::exchange(unused, unused + wanted);
  }
  // Several may be here at once. The larger rest is kept, the other one was never touched.
  std::byte* cut_from_new_chunk(std::size_t bytes, std::size_t wanted) {
    auto* chunk = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{64}));
    base::locked hold(lock);
    if (bytes - wanted > unused_bytes) {
      unused = chunk + wanted;
      unused_bytes = bytes - wanted;
    }
    return chunk;
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

void newborn_cache::refill(int size_class) { depot.refill(lists_[size_class], size_class); }
void newborn_cache::give_back(int size_class) noexcept { depot.give(lists_[size_class], batch, size_class); }
void newborn_cache::flush() noexcept {
  for (int c = 0; c < classes; ++c) depot.give(lists_[c], 0, c);
}

}  // namespace weft::sched

namespace weft::detail {

using namespace sched;

namespace {

constexpr int from_operator_new = newborn_classes;
constexpr std::align_val_t alignment{16};

[[gnu::noinline]] void* take_slowly(int size_class) {
  runtime_scope inside;
  if (auto* p = inside.processor()) return p->newborns.allocate(size_class);
  std::lock_guard hold(outside_lock);
  return outside_cache().allocate(size_class);
}

[[gnu::noinline]] void put_slowly(void* block, int size_class) noexcept {
  if (size_class == from_operator_new) return ::operator delete(block, alignment);
  runtime_scope inside;
  if (auto* p = inside.processor()) return p->newborns.release(block, size_class);
  std::lock_guard hold(outside_lock);
  outside_cache().release(block, size_class);
}

// Null: it takes longer.
[[gnu::always_inline]] inline void* try_take_block(int size_class) noexcept {
  worker* w = this_worker();
  processor* p = w ? try_enter(*w) : nullptr;
  if (!p) [[unlikely]] return nullptr;
  void* const block = p->newborns.has(size_class) ? p->newborns.take(size_class) : nullptr;
  leave(*w);
  return block;
}

inline void* take_block(int size_class) {
  void* const block = try_take_block(size_class);
  return block ? block : take_slowly(size_class);
}

[[gnu::always_inline]] inline void put_block(void* block, int size_class) noexcept {
  worker* w = this_worker();
  processor* p = w && size_class != from_operator_new ? try_enter(*w) : nullptr;
  if (!p) [[unlikely]] return put_slowly(block, size_class);
  if (p->newborns.is_full(size_class)) [[unlikely]] {
    leave(*w);
    return put_slowly(block, size_class);
  }
  p->newborns.put(block, size_class);
  leave(*w);
}

inline newborn* fresh(void* block, int size_class) noexcept {
  auto* n = static_cast<newborn*>(block);
  n->name = "";
  n->stack_kib = 0;
  n->size_class = static_cast<std::uint8_t>(size_class);
  n->kind = newborn_kind::named;
  n->more = 0;
  return n;
}

[[gnu::noinline]] newborn* newborn_allocate_slowly(int size_class) { return fresh(take_slowly(size_class), size_class); }

}  // namespace

newborn* newborn_allocate(int size_class) {
  if constexpr (has_fibers)  // so that the sanitizers see each block begin and end
    return newborn_allocate_large(newborn_block_bytes[size_class] - newborn_header_bytes);
  void* const block = try_take_block(size_class);
  if (!block) [[unlikely]] return newborn_allocate_slowly(size_class);
  return fresh(block, size_class);
}
newborn* newborn_allocate_large(std::size_t closure_bytes) {
  auto* block = static_cast<std::byte*>(::operator new(fiber_header_bytes + newborn_header_bytes + closure_bytes, alignment));
  return fresh(block + fiber_header_bytes, from_operator_new);
}
void newborn_free(newborn* n) noexcept {
  if constexpr (has_fibers) return ::operator delete(reinterpret_cast<std::byte*>(n) - fiber_header_bytes, alignment);
  put_block(n, n->size_class);
}

}  // namespace weft::detail

namespace weft::sched {

void* allocate_block(int size_class, std::size_t bytes) {
  const bool is_large = has_fibers || size_class == newborn_cache::classes;
  return is_large ? ::operator new(bytes, detail::alignment) : detail::take_block(size_class);
}
void free_block(void* block, int size_class) noexcept {
  detail::put_block(block, has_fibers ? newborn_cache::classes : size_class);
}

}  // namespace weft::sched
