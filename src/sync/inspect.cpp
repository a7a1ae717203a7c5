#include "sync/inspect.h"

#include <weft/mutex.h>
#include <weft/rw_mutex.h>
#include <weft/semaphore.h>
#include <weft/wait_group.h>

#include "os/own_memory.h"

namespace weft::detail {
namespace {

// The word of an atomic, by a copy that fails where a load would fault.
template <class T>
bool read(const base::atomic<T>& from, T& to) noexcept {
  static_assert(sizeof from == sizeof to);
  return os::copy_own_memory(&from, &to, sizeof to);
}

}  // namespace

bool inspector::look(const mutex& m, lock_facts& facts) noexcept {
  std::uintptr_t state;
  if (!read(m.state_, state)) return false;
  facts.is_locked = (state & mutex::locked) != 0;
  facts.locked_from = stack_page_of(reinterpret_cast<const void*>(state));
  return true;
}

bool inspector::look(const rw_mutex& m, lock_facts& facts) noexcept {
  std::uint64_t state;
  if (!read(m.state_, state)) return false;
  facts.is_locked = (state & rw_mutex::writer) != 0;
  facts.readers = static_cast<std::uint32_t>((state & rw_mutex::all_readers) / rw_mutex::one_reader);
  facts.locked_from = (state >> rw_mutex::pages_shift) * stack_page_size;
  return true;
}

bool inspector::look(const wait_group& group, std::int64_t& counter) noexcept {
  std::uint64_t state;
  if (!read(group.state, state)) return false;
  counter = wait_group::counter(state);
  return true;
}

bool inspector::look(const semaphore& s, std::int64_t& available, std::int64_t& capacity) noexcept {
  return os::copy_own_memory(&s.available_, &available, sizeof available) &&
         os::copy_own_memory(&s.capacity_, &capacity, sizeof capacity);
}

}  // namespace weft::detail
