// A bubble: goroutines in virtual time, scheduled as ever, on as many processors as there are.
//
// The world counts who is not durably blocked. Whoever brings the count to zero finds everybody else blocked, and, on its
// own stack and on its way to sleep or to its end, does what comes next: it wakes the goroutine in settle(), or moves the
// clock to the earliest timer and fires it, or reports that nothing can happen any more.
//
//   B1  active_ = members that are runnable or running + those in a wait that is not durable + scopes of
//       testing::outside + 1 while somebody does what comes next. Who makes a member runnable counts it first.
//   B2  A member is taken out of the count by its own park or end, also when somebody made it runnable (and counted it)
//       before: the count is never too low. A park that is not durable stays counted, is counted again when it is over,
//       and owes one (inhabitant::debt) until the next.
//   B3  At zero one thread alone moves the count to one and owns what comes next (V1), until it takes the one away.
// Somebody outside may make a member runnable at any moment; whether the clock moves before or after is a race of the
// program's (docs/testing.md says how to avoid it: testing::outside), but never one on memory.
// Refused: a goroutine of the bubble's own that moves the clock (two switches per step of the clock, and one more member to
// leave out of every count); asking all members at each park (quadratic).
#pragma once

#include "testing/virtual_world.h"

namespace weft::testing {

class bubble_world final : public virtual_world {
 public:
  bubble_world() : virtual_world(false) {}

  // Runs `body` as the first member and blocks until the world is over. What went wrong, or null.
  std::exception_ptr run(callable body);

  std::uint64_t random(std::uint64_t& state) noexcept override { return sched::step_random(state); }
  void runnable_now(sched::member& who, sched::runnable work) override;
  void parks(sched::member& who, sched::wait_reason reason) override;
  void ends(sched::member& who) override;
  void escaped(sched::member& who, std::exception_ptr thrown) override;
  void point(sched::member&, const char*, bool) override {}
  void waits_outside(sched::member&, bool waits) noexcept override;

 private:
  void leave_count(inhabitant& who);
  bool do_next();
  void finish();

  base::atomic<std::uint32_t> active_{0};     // B1
  detail::sleeper* caller_ = nullptr;
  std::mutex failure_lock_;                   // guards the two below until the world is over
  std::exception_ptr thrown_by_first_;
  std::string report_;                        // empty: all went well
};

}  // namespace weft::testing
