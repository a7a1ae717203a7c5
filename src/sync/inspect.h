// Looking into objects that goroutines wait for, without their locks and without trusting that they are still there: for
// dumps and reports of deadlocks. What is read may be out of date.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {
class mutex;
class rw_mutex;
class wait_group;
class semaphore;
}  // namespace weft

namespace weft::detail {

struct lock_facts {
  bool is_locked = false;
  std::uint32_t readers = 0;
  std::uintptr_t locked_from = 0;   // an address on the stack of who locked it last
};

struct inspector {
  // False: the memory is not there any more.
  static bool look(const mutex& m, lock_facts& facts) noexcept;
  static bool look(const rw_mutex& m, lock_facts& facts) noexcept;
  static bool look(const wait_group& group, std::int64_t& counter) noexcept;
  static bool look(const semaphore& s, std::int64_t& available, std::int64_t& capacity) noexcept;
};

}  // namespace weft::detail
