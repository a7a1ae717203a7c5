#include "sched/seam.h"

#include "base/unusual.h"
#include "sched/worker.h"

namespace weft::sched {

constinit base::atomic<std::uint32_t> worlds_alive{0}, explorations_alive{0};
constinit base::atomic<std::uint64_t (*)()> installed_random{nullptr};

void begin_world() noexcept {
  base::unusual_things.fetch_add(base::unusual_world, base::seq_cst);
  worlds_alive.fetch_add(1, base::seq_cst);
}

void end_world(bool is_abandoned) noexcept {
  worlds_alive.fetch_sub(1, base::seq_cst);
  if (!is_abandoned) base::unusual_things.fetch_sub(base::unusual_world, base::seq_cst);
}

std::uint64_t next_random_seeded(std::uint64_t& state) noexcept {
  if (member* m = this_member()) return m->home.random(state);
  auto* draw = installed_random.load(base::acquire);
  return draw ? draw() : step_random(state);
}

member* this_member() noexcept {
  goroutine* g = this_goroutine();
  return g ? g->membership : nullptr;
}

void reach_point(const char* what, bool yields) {
  goroutine* g = this_goroutine();
  // What the runtime does on a goroutine's stack, such as firing a world's timers, is no place to switch.
  if (!g || !g->membership || this_worker()->inside.load(base::relaxed) != 0) return;
  g->membership->home.point(*g->membership, what, yields);
}

}  // namespace weft::sched
