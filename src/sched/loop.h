// The scheduler loop of a worker, on the thread's own stack: what runs when there is nothing to switch to directly.
#pragma once

#include "sched/idle.h"
#include "sched/processor.h"
#include "sched/runnable.h"
#include "sched/sharing.h"
#include "sched/worker.h"

namespace weft::sched {

// L3. After so many scheduling decisions the fast path is left for duties.
inline constexpr std::uint32_t fewest_between_duties = 64, most_between_duties = 512;
inline bool is_duty_due(const processor& p, std::uint32_t tick) noexcept {
  return static_cast<std::int32_t>(tick - p.duties_at.load(base::relaxed)) >= 0;
}

// L1. How many decisions in a row the next slot may go before the queue.
inline constexpr std::uint32_t next_limit = 64;
inline bool is_next_first(const processor& p, std::uint32_t tick) noexcept {
  return tick - p.queue_tick.load(base::relaxed) < next_limit || p.queue.empty();
}

[[gnu::noinline]] inline runnable pick_queued(worker& w, processor& p) noexcept {
  if (runnable work = p.queue.pop(w.cradle)) {
    p.queue_tick.store(p.tick.load(base::relaxed), base::relaxed);
    if (the.hungry.load(base::relaxed) != 0 && wants_help(p)) [[unlikely]] feed(p);
    return work;
  }
  if (p.offer.load(base::relaxed) != 0) return runnable(p.offer.exchange(0, base::acq_rel));
  return {};
}

// The fast path's choice: the next slot, the queue, the offer. Null: nothing there, or duties are due; go to the loop.
// REQUIRES: inside the runtime, w holds p; what is returned runs on w next.
[[gnu::always_inline]] inline runnable pick(worker& w, processor& p) noexcept {
  const std::uint32_t tick = p.tick.load(base::relaxed) + 1;
  p.tick.store(tick, base::relaxed);
  if (p.attention.load(base::relaxed) != 0 || is_duty_due(p, tick)) [[unlikely]] return {};
  if (std::uintptr_t word = p.next.load(base::relaxed); word != 0 && is_next_first(p, tick)) {
    p.next.store(0, base::relaxed);
    return runnable(word);
  }
  return pick_queued(w, p);
}

// Owner, after it has queued something.
inline void share_if_hungry(processor& p) {
  os::light_fence();  // P3: the publisher's side
  if (the.hungry.load(base::relaxed) != 0 && wants_help(p)) [[unlikely]] feed(p);
}

// Owner: queues work behind what is there, and shares it when others are hungry.
inline void push(processor& p, runnable work) {
  p.queue.push(work);
  share_if_hungry(p);
}

// The body of a worker thread; returns never.
[[noreturn]] void run_loop(worker& w);

// Empties a processor that is above procs(). Owner.
void retire(processor* p);

}  // namespace weft::sched
