#include "sched/sharing.h"

#include <algorithm>
#include <limits>

#include "os/clock.h"
#include "sched/due_calls.h"
#include "sched/idle.h"
#include "sched/schedule.h"

namespace weft::sched {
namespace {

constexpr std::int64_t us = 1'000, ms = 1'000 * us;

constexpr std::int64_t worth_a_wake_ns = 50 * us;      // a wake-up takes 30
constexpr std::int64_t moving_ns = 1 * us;             // what a goroutine that has run loses in another cache
constexpr std::int64_t worth_moving_ns = 500 * us;
constexpr std::int64_t worth_a_probe_ns = 8 * us;
constexpr std::int64_t probe_every_ns = 1 * ms;
constexpr std::int64_t newborn_ns = 1 * us;            // what a newborn is taken for at least: it may start others
constexpr std::uint32_t longest_patience = 1024;
constexpr std::int64_t worth_while_quiet_ns = 1 * ms;
constexpr std::int64_t shortest_quiet_ns = 50 * us, longest_quiet_ns = 100 * ms;
constexpr std::int64_t worth_taking_ns = 150, longest_small_ns = 1 * ms;
constexpr std::int64_t contended_often_ns = 5 * us;    // a lock met held this soon after another one is too often
constexpr std::uint32_t contended_streak = 8;
constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void begin_pace(processor& p, std::int64_t now) noexcept {
  p.pace.since_ns = now;
  p.pace.since_tick = p.tick.load(base::relaxed);
  p.pace.probe_at_ns = now + probe_every_ns;
}

void note_pace(processor& p, std::int64_t now) noexcept {
  pace& known = p.pace;
  const std::uint32_t tick = p.tick.load(base::relaxed), decisions = tick - known.since_tick;
  if (decisions == 0) return;
  const std::int64_t latest = std::clamp<std::int64_t>((now - known.since_ns) / decisions, 1, pace::unknown_ns);
  known.decision_ns = (known.decision_ns + latest + 1) / 2;
  known.since_ns = now;
  known.since_tick = tick;
  const std::int64_t worth = is_quiet(p, now) ? worth_while_quiet_ns : timers_are_dense() ? gather_ns : worth_a_wake_ns;
  const std::int64_t worth_in_line = known.decision_ns < moving_ns ? std::max(worth, worth_moving_ns) : worth;
  known.enough.store(static_cast<std::uint32_t>(worth / known.decision_ns + 1), base::relaxed);
  known.enough_in_line.store(static_cast<std::uint32_t>(worth_in_line / known.decision_ns + 1), base::relaxed);
}

void fire_timers(processor& p, timer_set& timers, std::int64_t now) {
  constexpr std::size_t many = 16;
  if (!timers.due(now)) return;
  due_calls calls(p);
  const std::size_t fired = p.queue.has_newborns() ? timers.fire_due(now) : timers.fire_batch(now);
  if (fired >= many) p.pace.since_ns = os::monotonic_ns();
}

bool worth_a_probe(processor& p, std::int64_t now) noexcept {
  if (is_quiet(p, now)) return false;
  const bool is_due = now >= p.pace.probe_at_ns;
  if (!is_due && the.searching.load(base::relaxed) == 0) return false;
  const std::uint32_t in_line = is_due || p.pace.decision_ns >= moving_ns ? p.queue.line_size() : 0;
  const std::int64_t wait = in_line * p.pace.decision_ns +
                            p.queue.newborns() * std::max(p.pace.decision_ns, newborn_ns);
  if (wait < worth_a_probe_ns) return false;
  p.pace.probe_at_ns = now + probe_every_ns;
  return true;
}

constexpr std::uint32_t batch = 64;

bool has_slow_newborns(const processor& p) noexcept {
  return p.queue.line_size() < batch && p.queue.newborns() >= shared_queue::capacity && p.pace.decision_ns >= moving_ns;
}

std::uint32_t worth_giving(const processor& p) noexcept { return has_slow_newborns(p) ? shared_queue::capacity : batch; }

bool worth_a_wake_for_next(processor& p) noexcept {
  pace& known = p.pace;
  const std::uint32_t tick = p.tick.load(base::relaxed);
  if (p.offer_taken.load(base::relaxed)) {
    p.offer_taken.store(false, base::relaxed);
    known.patience = 1;
    known.wake_at_tick = tick;
  }
  if (static_cast<std::int32_t>(tick - known.wake_at_tick) < 0) return false;
  known.wake_at_tick = tick + known.patience;
  known.patience = std::min(2 * known.patience, longest_patience);
  return true;
}

void begin_visit(worker& w, processor& host, std::uint32_t taken, std::int64_t now) noexcept {
  w.guest = {&host, now, taken, w.locks.count};
}

void end_visit(worker& w, std::int64_t now) noexcept {
  processor* const host = std::exchange(w.guest.host, nullptr);
  if (!host) return;
  const std::int64_t contended = w.locks.count - w.guest.contended, took_ns = now - w.guest.since_ns;
  const bool met_locks = contended >= contended_streak / 2 && took_ns <= contended * contended_often_ns;
  if (!met_locks && took_ns > w.guest.taken * worth_taking_ns) {
    host->quiet_ns.store(0, base::relaxed);
    return;
  }
  const std::int64_t longest = met_locks ? longest_quiet_ns : longest_small_ns;
  const std::int64_t quiet = std::clamp(2 * host->quiet_ns.load(base::relaxed), shortest_quiet_ns, longest);
  host->quiet_ns.store(quiet, base::relaxed);
  host->quiet_until_ns.store(now + quiet, base::relaxed);
  host->pace.enough_in_line.store(never, base::relaxed);
  host->pace.enough.store(never, base::relaxed);  // until it measures its pace again: S2 with worth_while_quiet_ns
}

bool note_contention() noexcept {
  worker* w = this_worker();
  if (!w) return false;
  const std::int64_t now = os::monotonic_ns();
  contention& met = w->locks;
  ++met.count;
  met.streak = now - met.last_ns < contended_often_ns ? met.streak + 1 : 0;
  met.last_ns = now;
  return met.streak >= contended_streak;
}

}  // namespace weft::sched
