// The one seam for clock, randomness and scheduling: a set of goroutines can live in a world of its own.
//
// A world (src/testing has two: a bubble of virtual time, an exploration of schedules) gives its members their clock, their
// timers and their random numbers, is told when they are born, park, become runnable and end, and decides when a runnable
// member is handed to the processors. Everybody else, goroutine or thread, keeps the real ones while worlds exist.
//
//   SE1  A goroutine belongs to at most one world from birth to end: that of the goroutine that started it, or whose
//        world fired the timer that started it. Threads and the scheduler's own stacks belong to none.
//   SE2  All hooks run inside the runtime, on the stack of the goroutine that caused them, with no runtime lock held.
//        They may allocate, make goroutines runnable and fire timers; they do not park, and no member's code runs.
//   SE3  A world outlives its members. Whoever makes a member runnable from outside holds a waiter of it, so it is alive.
//   SE4  Cost where no world is: one test of a word that is never written meanwhile, or of a field of the goroutine in hand.
// Refused: a global world for the whole process (a test could not keep a real server running beside it); the world as a
// template parameter of the scheduler (compiled twice, and what is tested is not what runs).
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

#include <weft/detail/exploring.h>

#include "base/atomic.h"
#include "os/clock.h"

namespace weft::detail {
struct newborn;
struct group;
}

namespace weft::sched {

struct goroutine;
class timer_set;
class world;
class runnable;
enum class wait_reason : std::uint8_t;

// What a world knows of one of its goroutines; worlds derive from it. It outlives the goroutine.
struct member {
  member(world& in, const char* called) noexcept : home(in), name(called) {}
  world& home;
  const char* name;           // as given to go(); a newborn keeps this node where its name would be
  goroutine* body = nullptr;  // null: not yet run, or ended
  detail::group* born_into = nullptr;  // whose counter it is part of until it ends
};

class world {
 public:
  virtual std::int64_t now_ns() noexcept = 0;
  virtual std::uint64_t random(std::uint64_t& state) noexcept = 0;  // may step the caller's own generator
  virtual timer_set& timers() noexcept = 0;

  // A goroutine was started by `parent`, or by a timer of this world.
  virtual member& join(member& parent, const detail::newborn& child) = 0;
  virtual std::uint64_t id_of(member& child, std::uint64_t proposed) noexcept = 0;  // what goroutine_id() shall be
  // It can run: to be handed to enqueue(), now or later.
  virtual void runnable_now(member& who, runnable work) = 0;
  // It is about to leave its stack; somebody may have made it runnable already.
  virtual void parks(member& who, wait_reason reason) = 0;
  virtual void ends(member& who) = 0;
  virtual void escaped(member& who, std::exception_ptr thrown) = 0;  // an exception left it; it ends next
  // A place where others may go first; `what` names the operation and lives for ever. May switch (switch_out).
  virtual void point(member& who, const char* what, bool yields) = 0;
  // The member waits for somebody outside until `waits` is false again: time must stand still.
  virtual void waits_outside(member& who, bool waits) noexcept = 0;

 protected:
  ~world() = default;
};

// How many worlds there are. Written when one begins and ends. Hidden as explorations_alive is.
[[gnu::visibility("hidden")]] extern base::atomic<std::uint32_t> worlds_alive;
void begin_world() noexcept;  // before its first member is started
// `is_abandoned`: some of its members are still parked. So they stay out of the ordinary for ever, whoever wakes them.
void end_world(bool is_abandoned = false) noexcept;

// The calling goroutine's membership; null outside of worlds.
[[gnu::cold]] member* this_member() noexcept;
inline world* this_world() noexcept {
  if (worlds_alive.load(base::relaxed) == 0) [[likely]] return nullptr;  // relaxed: members are started after it was raised
  member* m = this_member();
  return m ? &m->home : nullptr;
}

inline std::int64_t now_ns() noexcept {
  if (world* w = this_world()) [[unlikely]] return w->now_ns();
  return os::monotonic_ns();
}

// xorshift64*, one state per worker or thread: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
inline std::uint64_t step_random(std::uint64_t& state) noexcept {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}
// For tests of the runtime itself: everybody outside of worlds draws from here, threads too. Looked at only while
// worlds_alive is not 0, so raise that as well.
[[gnu::visibility("hidden")]] extern base::atomic<std::uint64_t (*)()> installed_random;
[[gnu::cold]] std::uint64_t next_random_seeded(std::uint64_t& state) noexcept;
inline std::uint64_t next_random(std::uint64_t& state) noexcept {
  if (worlds_alive.load(base::relaxed) != 0) [[unlikely]] return next_random_seeded(state);
  return step_random(state);
}

[[gnu::cold]] void reach_point(const char* what, bool yields = false);

// The operation that follows may be ordered against other goroutines' in either way. Nothing may be locked. Functions of a
// few instructions test exploring() themselves and leave by a tail call: a call in their middle would cost them a frame.
inline void point(const char* what) {
  if (exploring()) [[unlikely]] reach_point(what);
}

// For worlds: the ordinary ways to run a goroutine and to leave its stack, without telling the world again.
void enqueue(runnable work);
void switch_out();            // returns once enqueue() was called for the caller, which may have come before
// Starts the first member of a world, which has made `node` for it; reports say that it was created at `site`.
void spawn_first(member& node, detail::newborn* first, const void* site);

}  // namespace weft::sched
