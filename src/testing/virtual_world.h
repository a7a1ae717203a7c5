// What a bubble and an exploration share: virtual time, the roll of members, the end.
//
//   V1  The clock moves only in advance(), which is called only while every member is durably blocked, and goes straight
//       to the earliest timer of this world. Once the first member has ended it stands still, as in Go's synctest.
//   V2  A world is over when all members have ended, or when it failed. A failed world's members are abandoned: they are
//       never run again, not unwound, and neither their stacks nor the world are freed: somebody outside may still hold
//       their waiters.
//   V3  Timers that are armed when the world is over go to a set that never fires, where their owners may stop them.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>

#include "base/atomic.h"
#include "base/race.h"
#include "sched/goroutine.h"
#include "sched/runnable.h"
#include "sched/seam.h"
#include "sched/timers.h"

namespace weft::testing {

// Time begins here in every world, so that runs repeat: the steady clock after eleven days, the system clock at
// 2000-01-01 00:00:00 UTC, as in Go.
inline constexpr std::int64_t first_steady_ns = 1'000'000'000'000'000;
inline constexpr std::int64_t first_system_ns = 946'684'800'000'000'000;

struct inhabitant : sched::member {
  enum class phase : std::uint8_t { fresh, ready, running, parked, ended };
  using member::member;

  std::uint32_t number = 0;  // 1, 2, ... in the order of their starts
  std::uint64_t id = 0;
  std::uint64_t started_by = 0;
  const void* started_at = nullptr;
  bool has_ended = false;

  // a bubble's
  std::uint32_t debt = 0;    // parks that were not counted: written by the member itself

  // an exploration's, guarded by its lock
  phase state = phase::fresh;
  bool has_permit = false;   // made runnable before it parked
  bool is_outside = false;   // parked in a wait that is not durable
  sched::runnable work;
};

// A call of what the user gave us.
struct callable {
  void (*call)(void*);
  void* function;
  const void* site;  // of the call of bubble() or explore()
};

class virtual_world : public sched::world {
 public:
  std::int64_t now_ns() noexcept final { return clock_.load(base::relaxed); }
  std::int64_t elapsed_ns() noexcept { return now_ns() - first_ns_; }
  sched::timer_set& timers() noexcept final { return timers_; }
  sched::member& join(sched::member& parent, const detail::newborn& child) final;
  std::uint64_t id_of(sched::member& child, std::uint64_t proposed) noexcept final;

  // The caller waits until everybody else in its world is durably blocked. Throws misuse when another one does.
  void settle(inhabitant& who);

  void become_reachable() noexcept;  // V2: nobody owns it from now on, which a leak checker is not to mind

  [[nodiscard]] bool is_abandoned() const noexcept { return is_abandoned_.load(base::acquire); }

 protected:
  explicit virtual_world(bool numbers_are_ids);
  ~virtual_world();

  // What a member did until it told of itself comes before what follows the end of the world, and settle(): it does so
  // whenever it stops running, maybe for good.
  void tell() noexcept { base::race::release(this); }
  void hear_all() noexcept { base::race::acquire(this); }

  inhabitant& enrol_first(const char* name, const void* site);
  void note_end(inhabitant& who);
  [[nodiscard]] bool is_empty();
  [[nodiscard]] bool first_has_ended();
  inhabitant* take_settler() noexcept { return settler_.exchange(nullptr, base::acq_rel); }
  bool advance();                              // V1. False: no timer is pending
  [[nodiscard]] std::string describe_members();  // those that have not ended
  void abandon();                              // V2

 private:
  inhabitant& enrol(const char* name, const void* site, std::uint64_t by);
  const bool numbers_are_ids_;
  const std::int64_t first_ns_;
  base::atomic<std::int64_t> clock_;
  sched::timer_set timers_;
  base::atomic<inhabitant*> settler_{nullptr};
  base::atomic<bool> is_abandoned_{false};
  virtual_world* kept_before_ = nullptr;
  std::mutex roll_lock_;           // an ordinary one: the roll grows under it
  std::deque<inhabitant> roll_;    // guarded by roll_lock_; nodes never move
  std::size_t alive_ = 0;          // guarded by roll_lock_
};

// Is a goroutine in this wait blocked for good unless another goroutine or a timer acts? Waits for descriptors are not.
bool is_durable(sched::wait_reason reason) noexcept;

// The world of the calling goroutine, as its kind; null: none.
inhabitant* this_inhabitant() noexcept;
inline virtual_world& world_of(sched::member& who) noexcept { return static_cast<virtual_world&>(who.home); }

}  // namespace weft::testing
