// Descriptors are numbered, lie in chunks of 64 that are never unmapped, and are used again lowest number first.
// Mappings are placed end to end, downwards as the kernel itself does, so that they share VMAs: a million stacks are
// a handful. Where there are many they are made for many slabs at a time.

#include "stack/slab.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/spinlock.h"
#include "os/valgrind.h"
#include "stack/address_map.h"
#include "stack/id_set.h"
#include "stack/stack.h"

namespace weft::stack {

namespace directory {
constinit std::array<base::atomic<slab*>, id_set::capacity / chunk_slabs> chunks;
constinit base::atomic<std::uint32_t> ids_used{0};
}  // namespace directory

namespace {

using namespace directory;

// --- descriptors -----------------------------------------------------------------------------------------------------

constinit base::spinlock descriptor_lock{base::lock_rank::leaf};
constinit std::array<std::uint64_t, id_set::words> retired_words{};
constinit id_set retired{retired_words.data()};  // guarded by descriptor_lock
constinit std::byte* next_end = nullptr;         // where the next mapping should end. Guarded by descriptor_lock

slab* descriptor(std::uint32_t id) noexcept {
  slab* chunk = chunks[id / chunk_slabs].load(base::acquire);
  return chunk == nullptr ? nullptr : chunk + id % chunk_slabs;
}

bool add_chunk(std::uint32_t number) noexcept {
  void* chunk = os::reserve(chunk_slabs * sizeof(slab), os::page_size());
  if (chunk == nullptr) return false;
  slab* expected = nullptr;
  if (!chunks[number].compare_exchange_strong(expected, static_cast<slab*>(chunk), base::acq_rel, base::relaxed))
    os::release(chunk, chunk_slabs * sizeof(slab));
  return true;
}

// The lowest id not in use, so that the oldest slabs stay the fullest; none when there is no descriptor left.
std::uint32_t take_id() noexcept {
  for (;;) {
    std::uint32_t fresh;
    {
      base::locked guard(descriptor_lock);
      if (const std::uint32_t id = retired.first(); id != id_set::none) {
        retired.erase(id);
        return id;
      }
      fresh = ids_used.load(base::relaxed);
      if (fresh == id_set::capacity) return id_set::none;
      if (chunks[fresh / chunk_slabs].load(base::relaxed) != nullptr) {
        new (descriptor(fresh)) slab{};
        descriptor(fresh)->id = fresh;
        ids_used.store(fresh + 1, base::release);
        return fresh;
      }
    }
    if (!add_chunk(fresh / chunk_slabs)) return id_set::none;
  }
}

void retire_id(std::uint32_t id) noexcept {
  base::locked guard(descriptor_lock);
  retired.insert(id);
}

// Neighbours end where the last one began, and then share its VMA.
std::byte* map_piece(std::size_t bytes) noexcept {
  std::uintptr_t hint = 0;
  {
    base::locked guard(descriptor_lock);
    if (next_end != nullptr) hint = (reinterpret_cast<std::uintptr_t>(next_end) - bytes) / granule * granule;
  }
  auto* at = static_cast<std::byte*>(os::reserve(bytes, granule, reinterpret_cast<void*>(hint)));
  if (at != nullptr) {
    base::locked guard(descriptor_lock);
    next_end = at;
  }
  return at;
}

// What was mapped ahead of slabs to come, whole granules. Guarded by descriptor_lock.
constinit std::byte *ahead_begin = nullptr, *ahead_end = nullptr;
constinit std::size_t in_slabs = 0;  // bytes

// From the upper end. REQUIRES: descriptor_lock held.
std::byte* cut_ahead_locked(std::size_t bytes) noexcept {
  if (static_cast<std::size_t>(ahead_end - ahead_begin) < bytes) return nullptr;
  return ahead_end -= bytes;
}

// To map a slab takes two calls that wait until nobody in the process populates a page or has a fault handled, and make
// everybody wait who wants to; two processors that open stacks at a time met in it four times per slab. So as much as there
// is already is mapped at once, up to 4 GiB, where address space costs nothing.
std::byte* map_ahead(std::size_t bytes) noexcept {
  constexpr std::size_t largest = std::size_t{4} << 30;
  std::size_t wanted;
  {
    base::locked guard(descriptor_lock);
    if (std::byte* at = cut_ahead_locked(bytes)) return at;
    wanted = std::min(in_slabs / granule * granule, largest);
  }
  if (wanted <= bytes) return nullptr;
  const os::address_space_limits limits = os::read_address_space_limits();
  if (limits.max_bytes != 0 || limits.overcommit == 2) return nullptr;
  std::byte* const begin = map_piece(wanted);
  if (begin == nullptr) return nullptr;
  std::byte *spare_begin = begin, *spare_end = begin + wanted - bytes;
  {
    base::locked guard(descriptor_lock);
    if (spare_end - spare_begin > ahead_end - ahead_begin) {  // else somebody else was here meanwhile
      std::swap(spare_begin, ahead_begin);
      std::swap(spare_end, ahead_end);
    }
  }
  if (spare_begin != spare_end) os::release(spare_begin, static_cast<std::size_t>(spare_end - spare_begin));
  return begin + wanted - bytes;
}

std::byte* map_memory(std::size_t bytes) noexcept {
  std::byte* at = bytes % granule == 0 ? map_ahead(bytes) : nullptr;
  if (at == nullptr) at = map_piece(bytes);
  if (at != nullptr) {
    base::locked guard(descriptor_lock);
    in_slabs += bytes;
  }
  return at;
}

bool unmap_memory(std::byte* start, std::size_t bytes) noexcept {
  if (!os::release(start, bytes)) return false;
  base::locked guard(descriptor_lock);
  next_end = start + bytes;
  in_slabs -= bytes;
  return true;
}

std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept { return (bytes + unit - 1) / unit * unit; }

// --- pins ------------------------------------------------------------------------------------------------------------

constinit base::atomic<std::uint32_t> pins{0};

}  // namespace

slab_pin::slab_pin() noexcept {
  // seq_cst: pairs with unmap_slab. We pin, then look for published slabs; it withdraws, then looks for pins.
  pins.fetch_add(1, base::seq_cst);
}
slab_pin::~slab_pin() { pins.fetch_sub(1, base::release); }
bool slab_pin::is_held() noexcept { return pins.load(base::acquire) != 0; }

slab* map_slab(slot_shape shape, depot& home) noexcept {
  const std::uint32_t id = take_id();
  if (id == id_set::none) return nullptr;
  slab& s = *descriptor(id);
  auto slots = static_cast<std::uint32_t>(std::clamp<std::size_t>(slab_target_bytes / shape.bytes(), 1, max_slots));
  for (s.base = nullptr;; slots = (slots + 3) / 4) {  // short of address space, a smaller slab may still fit
    const std::size_t needed = slots * shape.bytes();
    const std::size_t whole_granules = round_up(needed, granule);
    s.mapped_bytes = whole_granules - needed <= needed / 16 ? whole_granules : needed;
    s.base = map_memory(s.mapped_bytes);
    if (s.base != nullptr || slots == 1) break;
  }
  if (s.base == nullptr) {
    retire_id(id);
    return nullptr;
  }
  s.shape = shape;
  s.slots = slots;
  s.home = &home;
  s.free = 0;
  s.dirty = s.idle = s.clean = {};
  s.opened.store(0, base::relaxed);
  s.mprotected.store(0, base::relaxed);
  for (std::size_t word = 0; word < mask_words; ++word) {
    s.out[word].store(0, base::relaxed);
    s.fenced[word].store(0, base::relaxed);
  }
  if (!map_addresses(s.base, s.mapped_bytes, &s)) {
    unmap_memory(s.base, s.mapped_bytes);
    retire_id(id);
    return nullptr;
  }
  s.published.store(true, base::release);
  return &s;
}

bool unmap_slab(slab& s) noexcept {
  if (os::runs_under_valgrind()) return false;  // which was told of the stacks there for ever
  // seq_cst: pairs with slab_pin. Either we see its pin, or it sees the slab withdrawn.
  s.published.store(false, base::seq_cst);
  if (pins.load(base::seq_cst) != 0) {
    s.published.store(true, base::release);
    return false;
  }
  map_addresses(s.base, s.mapped_bytes, nullptr);
  if (!unmap_memory(s.base, s.mapped_bytes)) {  // a hole in a VMA makes two of it: refused to a process at its limit
    map_addresses(s.base, s.mapped_bytes, &s);
    s.published.store(true, base::release);
    return false;
  }
  retire_id(s.id);
  return true;
}

void unmap_ahead() noexcept {
  std::byte *begin = nullptr, *end = nullptr;
  {
    base::locked guard(descriptor_lock);
    std::swap(begin, ahead_begin);
    std::swap(end, ahead_end);
  }
  if (begin == end) return;
  const bool is_released = os::release(begin, static_cast<std::size_t>(end - begin));
  base::locked guard(descriptor_lock);
  if (is_released) {
    next_end = end;
  } else if (ahead_begin == ahead_end) {  // refused as in unmap_slab: for slabs to come after all
    ahead_begin = begin;
    ahead_end = end;
  }
}

std::span<const std::byte> mapped_ahead() noexcept {
  base::locked guard(descriptor_lock);
  return {ahead_begin, ahead_end};
}

slab* slab_by_id(std::uint32_t id) noexcept {
  slab* s = descriptor(id);
  // seq_cst: the second half of slab_pin's pairing with unmap_slab.
  return s != nullptr && s->published.load(base::seq_cst) ? s : nullptr;
}

std::uint32_t slab_ids() noexcept { return ids_used.load(base::acquire); }

}  // namespace weft::stack
