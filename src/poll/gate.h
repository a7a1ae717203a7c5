// Gate: who may use a descriptor, and when its last user has gone. After Go's fdMutex.
//
// A file descriptor's number is used again as soon as it is closed. So nobody may close it while another is about to make
// a system call with it; and callers that read, or write, take turns, so that what one writes is not torn apart by
// another. One word says it all; the queues behind it are touched only when callers collide.
//
//   G1  `users` counts callers between enter and leave, and those who hold or were handed a turn.
//   G2  Once `shut` is set nobody enters. shut() sets it once and wakes all that queue; they leave empty-handed.
//   G3  The last user of a gate that is shut does not just leave: he finishes (timers, poller, close) first. One step
//       decides who that is, and after it users stays 1 until he has called finished().
//   G4  `kept` is set while a handle to the descriptor exists. Its memory may be used again when users == 0 and it is not
//       kept: whoever brings that about is told, once.
//   G5  A direction's `busy` is set while somebody has the turn. `queued` is set, under the lock, before a caller queues; who
//       gives his turn up while it is set hands it to the first in the queue, under the lock, without clearing `busy`.
// Checked by tests/model/poller_model.cpp.
#pragma once

#include <cstdint>

#include <weft/detail/waiter.h>

#include "base/atomic.h"
#include "base/spinlock.h"
#include "poll/readiness.h"

namespace weft::poll {

class gate {
 public:
  void open() noexcept;  // kept, not shut, nobody inside

  [[nodiscard]] bool enter() noexcept;        // false: shut
  [[nodiscard]] bool leave() noexcept;        // false: the caller must finish (G3)
  // Blocks while another has the turn. ready: the caller has entered, and has it.
  outcome take_turn(direction d, const patience& limits = {});
  [[nodiscard]] bool give_turn(direction d);  // gives it up and leaves; false as above

  [[nodiscard]] bool shut();                  // true: it was open, and the caller has entered; he leaves as any user does
  // These tell whether the memory may be used again (G4).
  [[nodiscard]] bool finished() noexcept { return is_free(word_.fetch_sub(one_user, base::acq_rel) - one_user); }
  [[nodiscard]] bool forget() noexcept { return is_free(word_.fetch_and(~kept_bit, base::acq_rel) & ~kept_bit); }

 private:
  static constexpr std::uint32_t shut_bit = 1, kept_bit = 2, busy_bit = 4, queued_bit = 16, one_user = 64;  // bits x 2
  static std::uint32_t busy(direction d) noexcept { return busy_bit << static_cast<unsigned>(d); }
  static std::uint32_t queued(direction d) noexcept { return queued_bit << static_cast<unsigned>(d); }
  static bool is_last(std::uint32_t now) noexcept { return (now & shut_bit) != 0 && now / one_user == 1; }
  static bool is_free(std::uint32_t now) noexcept {
    return now / one_user == 0 && (now & shut_bit) != 0 && (now & kept_bit) == 0;
  }
  outcome queue_for_turn(direction d, const patience& limits);
  bool hand_turn_on(direction d);  // false: nobody queues any more

  base::atomic<std::uint32_t> word_{shut_bit};
  base::spinlock lock_{base::lock_rank::sync};
  detail::waiter_queue queues_[2];  // guarded by lock_
};

}  // namespace weft::poll
