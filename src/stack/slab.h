// A slab: contiguous slots of one size class in one mapping, and its descriptor, which lies apart from it.
//
// A slot is [guard | usable], guard at the lower end because stacks grow down. Slots are opened in order of address:
// below `opened` they have their guard and are free (dirty or clean) or out; above, they are untouched address space.
//
//   S1  An open slot is in exactly one of: out, dirty, clean, or (briefly) in the hands of the thread that trims it.
//   S2  free counts dirty and clean; a slab is unmapped only when free == opened, so never under an owner.
//   S3  Descriptors are never unmapped, and a slab is not unmapped while a reader holds a pin: readers in signal
//       handlers follow pointers without a lock.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "stack/address_map.h"
#include "stack/id_set.h"
#include "stack/size_class.h"

namespace weft::stack {

class depot;

inline constexpr std::uint32_t max_slots = 320;
inline constexpr std::size_t slab_target_bytes = std::size_t{64} << 20;

// One bit per slot. The shared kind is written under the depot's lock and read by anyone.
inline constexpr std::size_t mask_words = max_slots / 64;
using slot_mask = std::array<std::uint64_t, mask_words>;
using shared_slot_mask = std::array<base::atomic<std::uint64_t>, mask_words>;

inline std::uint64_t slot_bit(std::uint32_t slot) noexcept { return std::uint64_t{1} << (slot % 64); }
inline bool any(const slot_mask& mask) noexcept {
  std::uint64_t all = 0;
  for (const std::uint64_t word : mask) all |= word;
  return all != 0;
}
inline std::uint32_t count(const slot_mask& mask) noexcept {
  int bits = 0;
  for (const std::uint64_t word : mask) bits += std::popcount(word);
  return static_cast<std::uint32_t>(bits);
}
inline slot_mask snapshot(const shared_slot_mask& mask) noexcept {
  slot_mask copy;
  for (std::size_t word = 0; word < mask_words; ++word) copy[word] = mask[word].load(base::relaxed);
  return copy;
}
// Calls f(slot) for each bit, lowest first.
template <class F>
void for_each_slot(const slot_mask& mask, F&& f) {
  for (std::uint32_t word = 0; word < mask_words; ++word)
    for (std::uint64_t rest = mask[word]; rest != 0; rest &= rest - 1)
      f(word * 64 + static_cast<std::uint32_t>(std::countr_zero(rest)));
}

struct slab {
  // Constant while published.
  std::byte* base = nullptr;
  std::size_t mapped_bytes = 0;
  slot_shape shape{};
  std::uint32_t slots = 0;
  std::uint32_t id = 0;
  depot* home = nullptr;

  // Guarded by home's lock.
  std::uint32_t free = 0;
  slot_mask dirty{};  // free, with the pages its last owner touched
  slot_mask idle{};   // part of dirty: not taken since the last trim
  slot_mask clean{};  // free, without memory

  // Written under home's lock (fenced and mprotected: by the thread that opens the slots), read by anyone.
  base::atomic<std::uint32_t> opened{0};
  base::atomic<std::uint32_t> mprotected{0};  // slots whose guard costs VMAs
  shared_slot_mask out{};                     // handed to a cache or an owner
  shared_slot_mask fenced{};                  // the guard faults
  base::atomic<bool> published{false};

  [[nodiscard]] std::byte* slot_start(std::uint32_t slot) const noexcept { return base + slot * shape.bytes(); }
  [[nodiscard]] std::byte* usable_start(std::uint32_t slot) const noexcept { return slot_start(slot) + shape.guard; }
  [[nodiscard]] std::byte* top(std::uint32_t slot) const noexcept { return slot_start(slot) + shape.bytes(); }
  [[nodiscard]] std::uint32_t slot_of(const std::byte* address) const noexcept {  // may be >= slots in the last granule
    return static_cast<std::uint32_t>(static_cast<std::size_t>(address - base) / shape.bytes());
  }
  [[nodiscard]] bool is_fenced(std::uint32_t slot) const noexcept {
    return (fenced[slot / 64].load(base::relaxed) & slot_bit(slot)) != 0;
  }
};

// Where the descriptors are: numbered, in chunks that are never unmapped. For slab.cpp and for sched/debug_layout.h.
namespace directory {
inline constexpr std::uint32_t chunk_slabs = 64;
extern std::array<base::atomic<slab*>, id_set::capacity / chunk_slabs> chunks;
extern base::atomic<std::uint32_t> ids_used;  // all ids are below
}  // namespace directory

// A new slab with no open slot, published; nullptr when the kernel has no address space or no VMA for it.
slab* map_slab(slot_shape, depot& home) noexcept;

// REQUIRES: no slot out, and the slab in none of its depot's sets. False: a reader holds a pin, or the
// kernel refused; nothing was done.
bool unmap_slab(slab&) noexcept;

// Gives back the address space that was mapped for slabs to come.
void unmap_ahead() noexcept;

// Async-signal-safe.
slab* slab_by_id(std::uint32_t id) noexcept;  // nullptr: unmapped or never used
std::uint32_t slab_ids() noexcept;            // all ids are below

// While one exists, no slab is unmapped.
class slab_pin {
 public:
  slab_pin() noexcept;
  ~slab_pin();
  slab_pin(const slab_pin&) = delete;
  slab_pin& operator=(const slab_pin&) = delete;
  static bool is_held() noexcept;
};

template <class F>
void for_each_slab(F&& f) {
  for (std::uint32_t id = 0; id < slab_ids(); ++id)
    if (slab* s = slab_by_id(id)) f(*s);
}

}  // namespace weft::stack
