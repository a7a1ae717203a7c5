// The untyped pool: one small stack of pointers per processor behind a spin lock that is almost never contended, and one
// for plain threads. The lock is there because a goroutine may lose its processor between two instructions of its own.
#include <weft/pool.h>

#include <cstdint>

#include "base/race.h"
#include "base/spinlock.h"
#include "sched/idle.h"
#include "sched/seam.h"
#include "sched/worker.h"

namespace weft::detail {

namespace {
constexpr std::size_t kept_per_shard = 64;
constexpr int shard_count = 64;  // processor i uses shard 1 + i % 63; plain threads shard 0
}  // namespace

struct alignas(64) pool_core::shard {
  base::spinlock lock{base::lock_rank::leaf};
  std::uint32_t size = 0;           // guarded by lock, as is objects
  void* objects[kept_per_shard];
};

pool_core::pool_core(void (*destroy)(void*) noexcept)
    : destroy_(destroy), shards_(std::make_unique<shard[]>(shard_count)) {}

pool_core::~pool_core() {
  for (int i = 0; i < shard_count; ++i)
    for (std::uint32_t k = 0; k < shards_[i].size; ++k) {
      base::race::acquire(shards_[i].objects[k]);
      destroy_(shards_[i].objects[k]);
    }
}

pool_core::shard& pool_core::mine() noexcept {
  if (sched::this_world()) [[unlikely]] return shards_[0];  // which processor runs it is no part of a schedule
  sched::runtime_scope inside;
  sched::processor* p = inside.processor();
  return shards_[p ? 1 + p->index % (shard_count - 1) : 0];
}

void* pool_core::get() noexcept {
  shard& s = mine();
  base::locked hold(s.lock);
  if (s.size == 0) return nullptr;
  void* object = s.objects[--s.size];
  base::race::acquire(object);
  return object;
}

void pool_core::put(void* object) noexcept {
  {
    shard& s = mine();
    base::locked hold(s.lock);
    if (s.size < kept_per_shard) {
      base::race::release(object);
      s.objects[s.size++] = object;
      return;
    }
  }
  destroy_(object);
}

}  // namespace weft::detail
