// When the work of a busy processor is worth another one's while.
//
// Two goroutines that hand values to each other take tens of nanoseconds for it on one processor, and ten times as long on
// two: the channel's cache lines travel, one side sleeps, the other wakes it for 30 µs. So an idle processor is no reason
// to tear them apart. Waiting is: a goroutine that would wait for longer than a wake-up takes is better off elsewhere. How
// long it would wait nobody knows; how fast its processor has been lately is known at no cost to the fast paths.
//
//   S1  A processor's pace is the time it was busy per scheduling decision, halfway between what it was and the latest
//       interval: measured whenever the loop is entered, which is after 64 decisions at the latest, idle time and what
//       firing many timers takes not counted.
//   S2  Others are told (queues filled for thieves, a sleeper woken: feed() in idle.cpp) when what is queued times the pace
//       exceeds worth_a_wake_ns, or gather_ns where timers are gathered (watch.h, G4). A slow or unknown pace tells at
//       once, a fast one only of long queues. A goroutine that has run has its memory in its processor's cache, and takes
//       a microsecond longer elsewhere: where a turn takes less than that, goroutines are worth a wake only if they would
//       wait for worth_moving_ns. A newborn has nothing in the cache.
//   S3  A closed circle of goroutines with a few microseconds of work each never makes a queue that long, and could still
//       use two processors. So whenever something has waited for more than worth_a_probe_ns others are told, once every
//       probe_every_ns, or at once if somebody is awake and searches, unless a turn is not worth moving a goroutine for.
//   S4  The next slot alone: a pair that hands over slowly offers its goroutine each time and takes it back each time. A
//       wake-up for which nobody came in time doubles the number of decisions until the next one; a taken offer resets it.
//   S5  Goroutines that were taken and met locks held by others every few microseconds are better off where they were. When
//       the thief has run out of them (their wakers pull them back), the host falls quiet, for twice as long as the last
//       time: nobody takes anything from it, and others are told only if it would wait for longer than worth_while_quiet_ns.
//       A visit without this sets it back to nothing.
//       Likewise where what was taken was run in less than worth_taking_ns apiece: giving it took longer. A tree of newborns ends
//       in small ones, so that is for longest_small_ns at most.
//   S6  Who waits behind a goroutine that makes no decision is found: by a searcher after stuck_ns (steal.cpp), by the
//       monitor within two of its looks, also at a quiet host once a slice has passed (monitor.cpp). So nothing here decides
//       whether work is run, only where and how soon.
//   S7  What is given is at most a batch, half of which the first thief takes; it comes for more when it has run that. Many
//       newborns that take a while each are given by as many as fit, and a host of those that was visited lately has more
//       ready before it is asked, at each turn of the loop (loop.cpp, L1): or the thief would spend its time with coming,
//       and with sleeping while its host is in the kernel.
//   S8  By the measure of S1: where turns are shorter than short_turn_ns, somebody who would be woken only to watch (idle.h,
//       P4) would find his work done; and an event that comes meanwhile waits no longer than for a wake-up.
// Refused: thieves that always take (Go, and weft before: spsc over two processors took 119 ns per item, on one 23); waking
// for each goroutine made ready (Go: 366 ns for a ping-pong); a count of decisions instead of time (a slow pair never
// spreads); asking the clock at each wake-up (25 ns, a third of a ping-pong).
// The figures are in docs/design/scheduler.md.
#pragma once

#include "sched/processor.h"
#include "sched/worker.h"

namespace weft::sched {

inline constexpr std::int64_t short_turn_ns = 25'000;  // S8

// S2. Owner; or anybody, as a hint. The first is for those who know that there is nothing but so many in line.
inline bool wants_help_with(const processor& p, std::uint32_t in_line) noexcept {
  return in_line >= p.pace.enough_in_line.load(base::relaxed);
}
inline bool wants_help(const processor& p) noexcept {
  const std::uint32_t in_line = p.queue.line_size() + (p.next.load(base::relaxed) != 0 ? 1 : 0);
  if (wants_help_with(p, in_line)) return true;
  const std::uint32_t newborns = p.queue.newborns();
  return newborns != 0 && in_line + newborns >= p.pace.enough.load(base::relaxed);
}

// S7. Owner.
bool has_slow_newborns(const processor& p) noexcept;
std::uint32_t worth_giving(const processor& p) noexcept;

// S8. Owner.
inline bool has_short_turns(const processor& p) noexcept { return p.pace.decision_ns < short_turn_ns; }

// There is something that thieves were told of.
inline bool has_published(const processor& p) noexcept {
  return p.shared.size() != 0 || p.offer.load(base::relaxed) != 0;
}

// S5.
inline bool is_quiet(const processor& p, std::int64_t now) noexcept { return now < p.quiet_until_ns.load(base::relaxed); }

// Owner. Its worker has been idle or searching until now.
void begin_pace(processor& p, std::int64_t now) noexcept;
// Owner, at each entry of the loop.
void note_pace(processor& p, std::int64_t now) noexcept;

// Fires what is due in `timers`, whose goroutines queue at p: a batch, which runs while it is in cache, and whoever fires comes back
// after at most as many decisions as there are between duties (loop.cpp, L3). All, where newborns wait: they may have the stacks
// of those that end. Owner of p.
void fire_timers(processor& p, timer_set& timers, std::int64_t now);

// S3. Owner, after note_pace().
bool worth_a_probe(processor& p, std::int64_t now) noexcept;
// S4. Owner, with its next slot on offer.
bool worth_a_wake_for_next(processor& p) noexcept;

// S5. The worker took so many from `host`; it has run out of work.
void begin_visit(worker& w, processor& host, std::uint32_t taken, std::int64_t now) noexcept;
void end_visit(worker& w, std::int64_t now) noexcept;

}  // namespace weft::sched
