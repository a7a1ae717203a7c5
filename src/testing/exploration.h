// One schedule of an exploration: a world in which one goroutine runs at a time, and a strategy says which.
//
// Members that can run wait in ready_, not in the processors' queues. Whenever the one that runs parks, ends, or comes to a
// point (sched/seam.h), the strategy chooses, and the chosen one alone is handed to the scheduler. So it does not matter
// how many processors there are, and everything a member can see follows from the plan: who runs, random numbers, time,
// ids. Wherever one operation of weft ends and the next begins, another goroutine may go first; between two points a
// member's code is not interrupted.
//
//   E1  running_ is the one member that may run, or null: nobody can before somebody outside acts, or the clock is being
//       moved, or it is over. Only the thread that changes it from null, under lock_, hands a member to the scheduler.
//   E2  A member is in ready_ exactly while its state is ready. Made runnable before it has parked, it has a permit, which
//       its next park consumes: a wake-up is never lost and never counted twice.
//   E3  Once is_over_ is set nobody is handed to the scheduler any more. Members come to a point or park, and stay.
//   E4  The lock is not held while a timer fires or the scheduler is called.
// A member that blocks its thread (weft::blocking, I/O of its own) keeps its turn. One that waits for descriptors gives it
// up; if nobody else can run, the exploration waits for the world outside. Either makes a replay as exact as they are.
// Refused: choosing inside the processors' queues (every pop would ask); threads handing a baton to each other, as tools do
// that cannot switch stacks (10 to 50 times slower, and schedules/second is what finds bugs).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "testing/decisions.h"
#include "testing/strategy.h"
#include "testing/virtual_world.h"

namespace weft::testing {

struct schedule_limits {
  std::size_t steps;
  std::chrono::nanoseconds real_time;
};

class exploration final : public virtual_world {
 public:
  exploration(const plan& p, schedule_limits limits);

  // Runs `body` as the first member and blocks until the schedule is over. What went wrong, if anything did.
  std::optional<std::string> run(callable body);

  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
  [[nodiscard]] const decision_log& log() const noexcept { return log_; }
  [[nodiscard]] std::exception_ptr cause() const noexcept { return thrown_; }  // when an exception went wrong

  std::uint64_t random(std::uint64_t& state) noexcept override;
  void runnable_now(sched::member& who, sched::runnable work) override;
  void parks(sched::member& who, sched::wait_reason reason) override;
  void ends(sched::member& who) override;
  void escaped(sched::member& who, std::exception_ptr thrown) override;
  void point(sched::member& who, const char* what, bool yields) override;
  void waits_outside(sched::member&, bool waits) noexcept override;

 private:
  using guard = std::unique_lock<std::mutex>;

  void make_ready(inhabitant& who);
  inhabitant* choose(decision_log::reason why, const char* what, std::uint32_t from, std::uint32_t current, bool yields);
  bool find_somebody(guard& hold);
  void go_on(guard hold, decision_log::reason why, const char* what, std::uint32_t from);
  bool count_step();
  enum class listing : std::uint8_t { none, members };
  void fail(std::string what, listing then);
  void finish();

  const schedule_limits limits_;
  std::mutex lock_;                       // an ordinary one: logs and queues grow under it; guards what follows
  std::unique_ptr<strategy_of_schedule> strategy_;
  generator draws_;                       // what the program's own randomness gets
  decision_log log_;
  std::vector<inhabitant*> ready_;        // in the order in which they became so
  std::vector<std::uint32_t> candidates_;
  inhabitant* running_ = nullptr;
  bool is_advancing_ = false;
  bool is_over_ = false;
  std::uint32_t outside_ = 0;             // members in waits that are not durable, and scopes of testing::outside
  std::size_t steps_ = 0;
  std::optional<std::string> failure_;
  listing appended_ = listing::none;      // to failure_, by the caller: the stack of who noticed may be a small one
  std::exception_ptr thrown_;

  detail::sleeper* caller_ = nullptr;
  base::atomic<std::uint32_t> claim_{0};  // of the caller's sleep (detail/waiter.h, W2)
};

}  // namespace weft::testing
