// Memory of newborns: blocks of a few size classes, cached per processor, refilled from and returned to shared lists in
// batches. A burst of a million spawns touches 64 bytes each.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/newborn.h>

namespace weft::sched {

class newborn_cache {
 public:
  static constexpr int classes = 7;  // 64 to 256 bytes; larger ones come from operator new
  static constexpr std::uint32_t batch = 64;

  ~newborn_cache() { flush(); }
  detail::newborn* allocate(int size_class);
  void release(detail::newborn* block) noexcept;
  void flush() noexcept;

 private:
  struct free_block;
  struct list {
    free_block* first = nullptr;
    std::uint32_t size = 0;
  };
  friend struct newborn_depot;
  list lists_[classes];
};

}  // namespace weft::sched
