// Taking, giving back, trimming: see depot.h for the picture and the invariants.

#include "stack/depot.h"

#include <algorithm>

#include "base/assert.h"
#include "base/fatal.h"
#include "stack/guard.h"

namespace weft::stack {
namespace {

constexpr std::uint32_t largest_batch = 32;
constexpr std::size_t largest_batch_bytes = std::size_t{8} << 20;  // few page-table pages per opening of large slots

// Small stacks wait for the next trim. A large one may hold much memory, so no more of them stay dirty than this.
constexpr std::size_t large_stack = std::size_t{512} << 10;
constexpr std::size_t large_dirty_bytes = std::size_t{64} << 20;

constinit std::array<depot, size_classes> depots;

[[noreturn, gnu::cold]] void die_of_no_address_space(std::size_t stack_bytes) {
  const statistics now = stats();
  const os::address_space_limits limits = os::read_address_space_limits();
  const char* remedy = "the machine's memory, or run fewer goroutines or smaller stacks (WEFT_STACK_SIZE)";
  if (limits.max_bytes != 0)
    remedy = "the address space limit: ulimit -v unlimited";
  else if (limits.overcommit == 2)
    remedy = "the commit limit: sysctl -w vm.overcommit_memory=0";
  else if (guard() != guard_kind::madvise || now.slabs > limits.max_map_count / 2)
    remedy = "the number of mappings: sysctl -w vm.max_map_count=1048576";
  base::fatal("no address space for one more goroutine stack of %zu KiB (%zu in use, %zu MiB reserved; "
              "vm.max_map_count=%zu, ulimit -v=%zu KiB (0: unlimited), vm.overcommit_memory=%d). Raise %s",
              stack_bytes / 1024, now.live, now.reserved_bytes >> 20, limits.max_map_count, limits.max_bytes / 1024,
              limits.overcommit, remedy);
}

// Whoever opens so many is about to use them: their first pages come cheaper by one system call than by two faults each,
// for whether a control block was left there is read before one is written.
void populate_tops(const slab& s, std::uint32_t first, std::uint32_t count) noexcept {
  std::array<os::memory_range, largest_batch> tops;
  for (std::uint32_t i = 0; i < count; ++i) tops[i] = {s.top(first + i) - os::page_size(), os::page_size()};
  os::populate(std::span(tops).first(count));
}

// Runs of neighbouring slots become one range: the guards between them survive being discarded over.
void discard_slots(const slab& s, const slot_mask& victims) noexcept {
  std::array<os::memory_range, (max_slots + 1) / 2> ranges;
  std::size_t used = 0;
  std::uint32_t last = max_slots;
  for_each_slot(victims, [&](std::uint32_t slot) {
    std::byte* const start = s.is_fenced(slot) ? s.usable_start(slot) : s.slot_start(slot);
    if (last + 1 != slot || used == 0) ranges[used++] = {start, 0};
    os::memory_range& run = ranges[used - 1];
    run.bytes = static_cast<std::size_t>(s.top(slot) - static_cast<std::byte*>(run.start));
    last = slot;
  });
  os::discard({ranges.data(), used});
}

}  // namespace

depot* depot::find_class(std::size_t index) noexcept {
  return depots[index].ready_.load(base::acquire) ? &depots[index] : nullptr;
}

depot& depot::of_size(std::size_t bytes) {
  if (bytes > largest_stack) base::fatal("a stack of %zu bytes is beyond any address space", bytes);
  const std::size_t index = class_of(bytes);
  depot& d = depots[index];
  if (!d.ready_.load(base::acquire)) [[unlikely]] d.prepare(index);
  return d;
}

void depot::prepare(std::size_t class_index) {
  constexpr std::size_t bytes = 3 * id_set::words * sizeof(std::uint64_t);
  auto* words = static_cast<std::uint64_t*>(os::reserve(bytes, os::page_size()));
  if (words == nullptr) die_of_no_address_space(class_size(class_index));
  {
    base::locked guard(lock_);
    if (!ready_.load(base::relaxed)) {
      shape_ = shape_of_class(class_index);
      with_dirty_ = id_set(words);
      with_clean_ = id_set(words + id_set::words);
      with_unopened_ = id_set(words + 2 * id_set::words);
      ready_.store(true, base::release);
      return;
    }
  }
  os::release(words, bytes);
}

// --- taking ----------------------------------------------------------------------------------------------------------

std::uint32_t depot::take(std::span<std::byte*> tops) {
  for (;;) {
    opening next;
    {
      base::locked guard(lock_);
      if (const std::uint32_t n = take_locked(tops, with_dirty_, &slab::dirty)) {
        dirty_count_.add_owned(-n);
        return n;
      }
      if (const std::uint32_t n = take_locked(tops, with_clean_, &slab::clean)) return n;
      next = claim_unopened_locked();
    }
    if (next.home != nullptr) return open(next, tops);
    grow();
  }
}

std::uint32_t depot::take_locked(std::span<std::byte*> tops, id_set& slabs, slot_mask slab::*kind) {
  std::uint32_t got = 0;
  for (std::uint32_t id = slabs.first(); id != id_set::none && got < tops.size(); id = slabs.next(id)) {
    slab& s = *slab_by_id(id);
    for (std::uint32_t word = 0; word < mask_words && got < tops.size(); ++word) {
      std::uint64_t taken_bits = 0;
      for (std::uint64_t rest = (s.*kind)[word]; rest != 0 && got < tops.size(); rest &= rest - 1) {
        taken_bits |= rest & -rest;
        tops[got++] = s.top(word * 64 + static_cast<std::uint32_t>(std::countr_zero(rest)));
      }
      (s.*kind)[word] &= ~taken_bits;
      s.idle[word] &= ~taken_bits;
      s.out[word].store(s.out[word].load(base::relaxed) | taken_bits, base::relaxed);
      s.free -= static_cast<std::uint32_t>(std::popcount(taken_bits));
    }
    if (!any(s.*kind)) slabs.erase(id);
  }
  return got;
}

depot::opening depot::claim_unopened_locked() {
  const std::uint32_t id = with_unopened_.first();
  if (id == id_set::none) return {};
  slab& s = *slab_by_id(id);
  const std::uint32_t first = s.opened.load(base::relaxed);
  const auto affordable = static_cast<std::uint32_t>(std::max<std::size_t>(1, largest_batch_bytes / shape_.bytes()));
  const std::uint32_t n = std::min({batch_, affordable, s.slots - first});
  const bool is_burst = batch_ == largest_batch;
  for (std::uint32_t slot = first; slot < first + n; ++slot) s.out[slot / 64].fetch_or(slot_bit(slot), base::relaxed);
  s.opened.store(first + n, base::release);
  if (first + n == s.slots) with_unopened_.erase(id);
  batch_ = std::min(2 * batch_, largest_batch);
  return {.home = &s, .first = first, .count = n, .is_burst = is_burst};
}

std::uint32_t depot::open(opening next, std::span<std::byte*> tops) {
  install_guards(*next.home, next.first, next.count);
  if (next.is_burst) populate_tops(*next.home, next.first, next.count);
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(tops.size(), next.count));
  for (std::uint32_t i = 0; i < wanted; ++i) tops[i] = next.home->top(next.first + i);
  if (wanted < next.count) {
    base::locked guard(lock_);
    for (std::uint32_t i = wanted; i < next.count; ++i) put_locked(*next.home, next.first + i, &slab::clean);
    with_clean_.insert(next.home->id);
  }
  return wanted;
}

// Two threads may both find the depot empty and both map a slab: address space is all that costs.
void depot::grow() {
  slab* s = map_slab(shape_, *this);
  if (s == nullptr) die_of_no_address_space(shape_.usable);
  base::locked guard(lock_);
  with_unopened_.insert(s->id);
}

// --- giving back -----------------------------------------------------------------------------------------------------

void depot::put_locked(slab& s, std::uint32_t slot, slot_mask slab::*kind) {
  const std::uint64_t out = s.out[slot / 64].load(base::relaxed);
  weft_assert((out & slot_bit(slot)) != 0, "a stack was released twice");
  s.out[slot / 64].store(out & ~slot_bit(slot), base::relaxed);
  (s.*kind)[slot / 64] |= slot_bit(slot);
  ++s.free;
}

slab& depot::home_of(const std::byte* top) const {
  slab* s = slab_of(top - 1);
  weft_assert(s != nullptr && s->home == this, "released something that is no stack");
  return *s;
}

void depot::put(std::span<std::byte* const> tops) {
  std::size_t room = tops.size();
  if (shape_.usable >= large_stack) {
    const std::size_t bound = large_dirty_bytes / shape_.usable, dirty = dirty_count_.load(base::relaxed);
    room = std::min(room, bound - std::min(bound, dirty));
  }
  put_dirty(tops.first(room));
  for (std::byte* top : tops.subspan(room)) put_discarded(top);
}

void depot::put_dirty(std::span<std::byte* const> tops) {
  base::locked guard(lock_);
  for (const std::byte* top : tops) {
    slab& s = home_of(top);
    put_locked(s, s.slot_of(top - 1), &slab::dirty);
    with_dirty_.insert(s.id);
  }
  dirty_count_.add_owned(static_cast<std::uint32_t>(tops.size()));
}

void depot::put_discarded(std::byte* top) {
  slab& s = home_of(top);
  const std::uint32_t slot = s.slot_of(top - 1);
  slot_mask victim{};
  victim[slot / 64] = slot_bit(slot);
  discard_slots(s, victim);
  base::locked guard(lock_);
  put_locked(s, slot, &slab::clean);
  with_clean_.insert(s.id);
}

// --- trimming --------------------------------------------------------------------------------------------------------

std::uint32_t depot::next_trimmable_locked(std::uint32_t from) const noexcept {
  return std::min(with_dirty_.next(from), with_clean_.next(from));
}

// True: the slab is entirely free and in no set any more, so that it can be unmapped without the lock.
bool depot::withdraw_locked(slab& s, bool everything, std::uint32_t& kept) {
  if (s.free != s.opened.load(base::relaxed)) return false;
  if (!everything && s.dirty != s.idle) return false;
  if (kept > 0) return --kept, false;
  with_dirty_.erase(s.id);
  with_clean_.erase(s.id);
  with_unopened_.erase(s.id);
  dirty_count_.add_owned(-count(s.dirty));
  return true;
}

void depot::readmit_locked(slab& s) {
  if (any(s.dirty)) with_dirty_.insert(s.id);
  if (any(s.clean)) with_clean_.insert(s.id);
  if (s.opened.load(base::relaxed) < s.slots) with_unopened_.insert(s.id);
  dirty_count_.add_owned(count(s.dirty));
}

slot_mask depot::pick_victims_locked(slab& s, bool everything) {
  const slot_mask victims = everything ? s.dirty : s.idle;
  for (std::size_t word = 0; word < mask_words; ++word) s.dirty[word] &= ~victims[word];
  s.idle = s.dirty;
  const std::uint32_t n = count(victims);
  s.free -= n;
  dirty_count_.add_owned(-n);
  if (!any(s.dirty)) with_dirty_.erase(s.id);
  return victims;
}

void depot::put_clean(slab& s, const slot_mask& slots) {
  base::locked guard(lock_);
  for (std::size_t word = 0; word < mask_words; ++word) s.clean[word] |= slots[word];
  s.free += count(slots);
  with_clean_.insert(s.id);
}

std::size_t depot::trim(bool everything, std::uint32_t kept_slabs) {
  std::size_t bytes = 0;
  for (std::uint32_t from = 0;;) {
    slab* s;
    slot_mask victims{};
    bool is_withdrawn;
    {
      base::locked guard(lock_);
      const std::uint32_t id = next_trimmable_locked(from);
      if (id == id_set::none) return bytes;
      from = id + 1;
      s = slab_by_id(id);
      is_withdrawn = withdraw_locked(*s, everything, kept_slabs);
      if (!is_withdrawn) victims = pick_victims_locked(*s, everything);
    }
    if (is_withdrawn) {
      const std::uint32_t pages = count(s->dirty), mprotected = s->mprotected.load(base::relaxed);
      if (unmap_slab(*s)) {
        return_guards(mprotected);
        bytes += pages * os::page_size();
      } else {
        base::locked guard(lock_);
        readmit_locked(*s);
      }
    } else if (any(victims)) {
      discard_slots(*s, victims);
      put_clean(*s, victims);
      bytes += count(victims) * os::page_size();
    }
  }
}

void depot::add_statistics(slab& s, statistics& sum) noexcept {
  base::locked guard(lock_);
  sum.slabs += 1;
  sum.reserved_bytes += s.mapped_bytes;
  sum.live += count(snapshot(s.out));
  sum.free_dirty += count(s.dirty);
  sum.free_clean += count(s.clean);
}

}  // namespace weft::stack
