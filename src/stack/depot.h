// Depots: the free stacks of one size class, shared by all processors.
//
//   cache (per processor, no lock) ⇄ depot (spin lock) → slabs (mapped, opened slot by slot) → kernel
//
// take() prefers what is warm and what keeps the process small: dirty slots before clean ones before slots never opened
// before a slab more, and always from the slab with the lowest number, so that the high ones run empty and can be
// unmapped. Slots are opened 8, 16, then 32 at a time: a small program does not pay for the guards of a whole slab.
//
// trim() takes its victims out of the depot under the lock, makes the system calls without it, and puts them back
// clean.
//
//   D1  No system call is made under the lock.
//   D2  A slab is in with_dirty / with_clean / with_unopened exactly when it has such slots.
//   D3  Only one thread trims at a time (is_trimming in stack.cpp), and only a trim unmaps.
//
// Refused: one mapping per stack (a VMA and two system calls each); lists through the free stacks themselves (touches a
// page per stack just to link it); a depot per processor (stacks freed by one and wanted by another would never meet).
#pragma once

#include <span>

#include "base/spinlock.h"
#include "stack/id_set.h"
#include "stack/slab.h"
#include "stack/stack.h"

namespace weft::stack {

class depot {
 public:
  constexpr depot() noexcept = default;

  // Fills `tops` from the front, with at least one and only as many as come cheaply; returns how many. Never fails:
  // dies.
  std::uint32_t take(std::span<std::byte*> tops);
  // REQUIRES: all from this depot, and out. Of large stacks only a bounded amount stays warm; the rest gives its memory
  // back at once.
  void put(std::span<std::byte* const> tops);

  // See stack::trim. Keeps `kept_slabs` of the slabs that are entirely free, without their memory.
  std::size_t trim(bool everything, std::uint32_t kept_slabs);

  [[nodiscard]] slot_shape shape() const noexcept { return shape_; }
  void add_statistics(slab&, statistics&) noexcept;

  static depot& of_size(std::size_t bytes);  // ready for use
  static depot* find_class(std::size_t index) noexcept;  // nullptr: no stack of this class was ever asked for

 private:
  struct opening {
    slab* home = nullptr;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    bool is_burst = false;  // many were opened before
  };

  void prepare(std::size_t class_index);
  std::uint32_t take_locked(std::span<std::byte*> tops, id_set& slabs, slot_mask slab::*kind);
  opening claim_unopened_locked();
  std::uint32_t open(opening, std::span<std::byte*> tops);
  void grow();
  void put_locked(slab&, std::uint32_t slot, slot_mask slab::*kind);
  void put_dirty(std::span<std::byte* const> tops);
  void put_discarded(std::byte* top);
  slab& home_of(const std::byte* top) const;
  std::uint32_t next_trimmable_locked(std::uint32_t from) const noexcept;
  bool withdraw_locked(slab&, bool everything, std::uint32_t& kept);
  void readmit_locked(slab&);
  slot_mask pick_victims_locked(slab&, bool everything);
  void put_clean(slab&, const slot_mask&);

  base::spinlock lock_{base::lock_rank::memory};
  base::atomic<bool> ready_{false};
  slot_shape shape_{};
  id_set with_dirty_, with_clean_, with_unopened_;  // guarded by lock_
  std::uint32_t batch_ = 8;                         // how many slots to open next. Guarded by lock_
  base::atomic<std::uint32_t> dirty_count_{0};      // written under lock_
};

}  // namespace weft::stack
