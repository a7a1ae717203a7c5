#include "sched/steal.h"

#include "sched/idle.h"
#include "sched/seam.h"
#include "sched/sharing.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constexpr std::int64_t offer_ns = 1'000;
constexpr std::int64_t stuck_ns = 5'000;

runnable steal_shared(worker& w, processor& victim, search& notes) {
  processor& thief = *w.held;
  if (victim.shared.size() == 0) return {};
  notes.taken = victim.shared.steal_half_into(thief.queue);
  if (notes.taken == 0) return {};
  victim.was_visited.store(true, base::relaxed);
  trace::emit(trace::event::steal, static_cast<std::uint64_t>(thief.index), static_cast<std::uint64_t>(victim.index));
  return thief.queue.pop(w.cradle);
}

// V1.
runnable take_ripe_offer(processor& victim, search& notes, std::int64_t now) noexcept {
  const std::uintptr_t word = victim.offer.load(base::relaxed);
  if (word == 0) return {};
  if (word != notes.offered) {
    notes.offered = word;
    notes.offered_since_ns = now;
    return {};
  }
  if (now - notes.offered_since_ns < offer_ns) return {};
  const runnable taken(victim.offer.exchange(0, base::acq_rel));
  if (taken) victim.offer_taken.store(true, base::relaxed);  // sharing.h, S4
  notes.taken = 1;
  return taken;
}

// V2. One suspect at a time: a second one is watched when the first has moved.
bool is_stuck(const processor& victim, search& notes, std::int64_t now) noexcept {
  const bool is_suspect = notes.suspect == &victim;
  if (victim.queue.empty() && victim.next.load(base::relaxed) == 0) {
    if (is_suspect) notes.suspect = nullptr;
    return false;
  }
  const std::uint32_t tick = victim.tick.load(base::relaxed);
  if (!notes.suspect || (is_suspect && tick != notes.suspect_tick)) {
    notes.suspect = &victim;
    notes.suspect_tick = tick;
    notes.suspect_since_ns = now;
  }
  return notes.suspect == &victim && now - notes.suspect_since_ns >= stuck_ns;
}

// V2. The next slot and half of the queue move to the thief.
runnable take_by_force(worker& w, processor& victim, search& notes) {
  processor& thief = *w.held;
  worker* holder = victim.holder.load(base::acquire);
  if (!holder) return {};
  seize(*holder, [&](worker& seized) {
    if (seized.held != &victim) return seizure::none;
    if (std::uintptr_t word = victim.next.load(base::relaxed)) {
      victim.next.store(0, base::relaxed);
      thief.queue.push(runnable(word));
    }
    std::uint32_t n = victim.queue.size() - victim.queue.size() / 2;
    notes.taken = n + 1;
    victim.births.hand_out(n);
    for (; n > 0; --n) thief.queue.adopt(victim.queue.pop_for_others());
    return seizure::none;
  });
  const runnable work = thief.queue.pop(w.cradle);
  if (!work) w.refused = {&victim, notes.suspect_tick};
  return work;
}

runnable take_from(worker& w, processor& victim, search& notes, std::int64_t now) {
  if (is_quiet(victim, now)) return {};  // V3
  if (runnable work = steal_shared(w, victim, notes)) return work;
  if (runnable work = take_ripe_offer(victim, notes, now)) return work;
  return is_stuck(victim, notes, now) ? take_by_force(w, victim, notes) : runnable();
}

}  // namespace

runnable look_around(worker& w, search& notes, std::int64_t now) {
  processor& mine = *w.held;
  const auto count = static_cast<std::uint64_t>(the.created.load(base::acquire));
  const std::uint64_t first = next_random(w.random_state) % count;
  for (std::uint64_t i = 0; i < count; ++i) {
    processor& victim = *the.processors[(first + i) % count].load(base::acquire);
    if (&victim == &mine) continue;
    if (runnable work = take_from(w, victim, notes, now)) {
      mine.steals.add_owned(1);
      begin_visit(w, victim, notes.taken, now);
      return work;
    }
  }
  return {};
}

}  // namespace weft::sched
