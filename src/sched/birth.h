// How goroutines begin and end.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sched/goroutine.h"
#include "sched/worker.h"

namespace weft::sched {

// Gives the newborn a stack and a control block at its top, ready to be switched to. Owner of w.held.
goroutine* be_born(worker& w, detail::newborn& n);

// Releases the stack of a goroutine that ended by switching here. Called after every switch.
void release_dead_stack(worker& w);
inline void bury(worker& w) {
  if (w.dead_stack) [[unlikely]] release_dead_stack(w);
}

// How control blocks are spread over the sets of the caches (birth.cpp).
inline constexpr std::size_t stack_colours = 16, stack_colour_bytes = 64, stack_colour_page = 4096;

// The control block of the goroutine whose stack ends at `top`; it may be dead (goroutine::mark) or never have lived.
goroutine* goroutine_at(std::byte* top) noexcept;

// The ids of goroutines: each processor reserves a block at a time. Owner.
inline bool has_id(const processor& p) noexcept { return p.id_first.load(base::relaxed) != p.id_last.load(base::relaxed); }
inline std::uint64_t take_reserved_id(processor& p) noexcept {  // REQUIRES: has_id(p)
  const std::uint64_t id = p.id_first.load(base::relaxed);
  p.id_first.store(id + 1, base::release);  // release: whoever reads it sees the block it belongs to
  return id;
}
std::uint64_t take_id(processor& p) noexcept;

// Starts a goroutine, as if it had been called for at `site`.
void spawn_at(detail::newborn* n, const void* site);

// A moment in time, told by goroutine ids. Processors reserve ids in blocks, so the order of ids is not that of births: the
// mark knows what was reserved and not yet used. Births at the very moment fall on either side.
class birth_mark {
 public:
  birth_mark();
  [[nodiscard]] bool is_later(std::uint64_t id) const noexcept;

 private:
  std::uint64_t shared_first_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reserved_;
};

// Goroutines alive: runnable, running and parked.
std::size_t count_goroutines() noexcept;

}  // namespace weft::sched
