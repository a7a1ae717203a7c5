// Readiness: what is known of one descriptor, who waits for it, and until when. After Go's pollDesc.
//
// The kernel tells only of changes (edges). So each direction counts the edges it was told of, and remembers up to which
// of them it has seen the kernel say "nothing there". A caller that wants to read does
//
//     edge = ready.edge(direction);            // before the system call
//     read(...);                               // EAGAIN, or so few bytes that nothing can be left:
//     ready.drained(direction, edge);
//     ready.wait(direction, limits);           // returns at once if an edge has come since
//
// and may leave out the system call that would fail while ready.worth_trying(direction) is false.
//
// Nothing here knows the kernel: a backend calls post() with what it was told, and makes runnable whom post() hands back.
//
//   D1  Edges are counted by post() alone, under the lock. `drained` is at most the number of the last edge before a
//       system call that emptied the descriptor. So while drained == edges nothing is there, or an edge is on its way.
//   D2  A waiter enters only under the lock, with drained == edges, not expired and not closed; whoever changes one of
//       the three takes out every waiter of that direction under the same lock. So nobody sleeps through a change.
//   D3  A waiter that was taken out is made runnable exactly once, by whoever took it, with no lock held. It learns
//       nothing but that something changed, and looks again: a deadline that is moved on while the sleeper gets up
//       has not happened.
//   D4  A short read proves that a stream is drained only while no hang-up or urgent data was told of: those share an
//       edge with the data before them, and nothing else announces them. drained_unless_closing() looks.
//   D5  A posting with another generation than the descriptor's is from an earlier life and changes nothing.
//   D6  `expired` is set when the deadline has come, and only a new deadline clears it.
//
// Timers (deadline.cpp):
//   D7  A timer is armed at or before the deadline that is wanted, or somebody is adjusting it. Moving a deadline to later
//       costs nothing: the timer fires early, looks, and is armed again.
//   D8  Only who has set `adjusting` starts or stops the timer. Whoever finds it set leaves the work to him: he looks again
//       before he clears it, under the lock.
//
// Any number of callers may wait in one direction; all are woken. Callers that should take turns use the gate (gate.h).
// Refused: one word per direction with the sleeper in it, moved by compare-and-swap, as Go has it: as many locked
// instructions (a spin lock is one), and a sleeper that a context may wake besides has to agree with the waker on when
// its stack is free.
// Checked by tests/model/poller_model.cpp.
#pragma once

#include <cstdint>
#include <optional>

#include <weft/detail/waiter.h>

#include "base/atomic.h"
#include "base/spinlock.h"
#include "poll/sleep.h"
#include "sched/poller.h"
#include "sched/timers.h"

namespace weft::poll {

enum class direction : std::uint8_t { read, write };

enum class outcome : std::uint8_t {
  ready,      // try again
  timed_out,  // the descriptor's deadline, or the caller's own
  closed,     // the descriptor was closed
  cancelled,  // the caller's context
};

// What a backend was told, as bits.
enum posting : std::uint32_t {
  post_read = 1,
  post_write = 2,
  post_closing = 4,  // with the others: the peer will send no more, an error is pending, or there is urgent data
};

class readiness {
 public:
  static constexpr std::int64_t never = os::no_deadline;

  // The descriptor's life.
  void open(std::uint32_t generation) noexcept;
  void close();   // wakes everybody; from then on wait() returns `closed`
  void retire();  // REQUIRES: closed, no callers left. Afterwards no timer runs

  // The backend's side. Whom it takes out is appended to `woken`.
  void post(std::uint32_t generation, std::uint32_t what, sched::ready_list& woken) noexcept;

  // The caller's side.
  [[nodiscard]] std::uint64_t edge(direction d) const noexcept { return lane_of(d).edges.load(base::acquire); }
  [[nodiscard]] bool worth_trying(direction d) const noexcept { return edge(d) != lane_of(d).drained.load(base::relaxed); }
  [[nodiscard]] bool expired(direction d) const noexcept { return expired_[static_cast<unsigned>(d)].load(base::acquire); }
  void drained(direction d, std::uint64_t edge) noexcept { lane_of(d).drained.store(edge, base::relaxed); }
  void drained_unless_closing(direction d, std::uint64_t edge) noexcept {  // D4
    if (!closing_told_.load(base::relaxed)) drained(d, edge);
  }
  outcome wait(direction d, const patience& limits = {});
  outcome pause(direction d, const patience& until);  // as wait(), whatever edges come; `ready`: the time has come

  // For callers that wait for several descriptors at once, and wait() itself: queues the waiter, or says why not.
  std::optional<outcome> enlist(direction d, detail::waiter& request, bool even_if_ready = false) noexcept;
  void withdraw(direction d, detail::waiter& request) noexcept;

  // Absolute, CLOCK_MONOTONIC; `never` takes it away. Any time, from anybody who may use the descriptor.
  void set_deadline(direction d, std::int64_t when_ns);

  // Who would be woken first by data, or null: a hint.
  [[nodiscard]] const detail::waiter* seen_reader() const noexcept { return lane_of(direction::read).waiters.front(); }
  [[nodiscard]] bool awaited() noexcept;  // somebody is queued

 private:
  struct lane {
    base::atomic<std::uint64_t> edges{1};    // D1; written under lock_
    base::atomic<std::uint64_t> drained{0};  // D1
    detail::waiter_queue waiters;            // guarded by lock_
  };
  // Guarded by lock_, but for the timer itself (D8).
  struct alarm : sched::timer {
    alarm(readiness& whose, direction which) noexcept : timer(sched::timer_kind_of<fire_it>), owner(whose), of(which) {}
    static void fire_it(sched::timer_node* node);
    readiness& owner;
    const direction of;
    bool adjusting = false;                  // D8
    std::int64_t due_ns = never;             // the deadline
    std::int64_t armed_ns = never;           // when the timer fires
  };
  lane& lane_of(direction d) noexcept { return lanes_[static_cast<unsigned>(d)]; }
  [[nodiscard]] const lane& lane_of(direction d) const noexcept { return lanes_[static_cast<unsigned>(d)]; }
  alarm& alarm_of(direction d) noexcept { return alarms_[static_cast<unsigned>(d)]; }
  base::atomic<bool>& expired_of(direction d) noexcept { return expired_[static_cast<unsigned>(d)]; }
  std::int64_t wanted_ns(direction d) noexcept {
    return expired_of(d).load(base::relaxed) ? never : alarm_of(d).due_ns;
  }

  static void take_out_all(lane& from, sched::ready_list& woken) noexcept;  // D2; REQUIRES: lock_ held
  void adjust(direction d);                                                 // REQUIRES: its `adjusting`, set by the caller
  void fire(direction d);

  // All that an operation needs comes first, together with what descriptor.h puts before it: two lines of the cache.
  base::spinlock lock_{base::lock_rank::sync};
  bool is_closed_ = true;                     // guarded by lock_
  base::atomic<bool> closing_told_{false};    // D4; written under lock_
  std::uint32_t generation_ = 0;              // D5; guarded by lock_
  base::atomic<bool> expired_[2] = {};        // D6; written under lock_
  lane lanes_[2];
  alarm alarms_[2] = {{*this, direction::read}, {*this, direction::write}};
};

}  // namespace weft::poll
