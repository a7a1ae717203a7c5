// Memory of newborns: blocks of a few size classes, cached per processor, refilled from and returned to shared lists in
// batches. A burst of a million spawns touches 64 bytes each.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/newborn.h>

namespace weft::sched {

class newborn_cache {
 public:
  static constexpr int classes = detail::newborn_classes;
  static constexpr std::uint32_t batch = 64;

  ~newborn_cache() { flush(); }
  void* allocate(int size_class) {
    if (!lists_[size_class].first) [[unlikely]] refill(size_class);
    return take(size_class);
  }
  void release(void* block, int size_class) noexcept {
    put(block, size_class);
    if (lists_[size_class].size >= 2 * batch) [[unlikely]] give_back(size_class);
  }
  void flush() noexcept;

  // The same in pieces, for fast paths that leave by a tail call when there is more to do.
  [[nodiscard]] bool has(int size_class) const noexcept { return lists_[size_class].first != nullptr; }
  void* take(int size_class) noexcept {  // REQUIRES: has(size_class)
    list& mine = lists_[size_class];
    free_block* block = mine.first;
    mine.first = block->next;
    --mine.size;
    return block;
  }
  [[nodiscard]] bool is_full(int size_class) const noexcept { return lists_[size_class].size >= 2 * batch - 1; }
  void put(void* block, int size_class) noexcept {
    list& mine = lists_[size_class];
    auto* freed = static_cast<free_block*>(block);
    freed->next = mine.first;
    mine.first = freed;
    ++mine.size;
  }

 private:
  struct free_block {
    free_block* next;
  };
  [[gnu::noinline]] void refill(int size_class);
  [[gnu::noinline]] void give_back(int size_class) noexcept;
  struct list {
    free_block* first = nullptr;
    std::uint32_t size = 0;
  };
  friend struct newborn_depot;
  list lists_[classes];
};

// The same blocks for others, aligned to 16. A class beyond the last: `bytes` from operator new.
void* allocate_block(int size_class, std::size_t bytes);
void free_block(void* block, int size_class) noexcept;

}  // namespace weft::sched
