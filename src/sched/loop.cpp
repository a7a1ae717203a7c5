// The scheduler loop: find something to run, switch to it, and when it comes back, find the next.
//
// A goroutine that parks picks its successor itself (schedule.cpp) and comes here only when the fast path has nothing, every
// 64th decision, or when the successor is special (pinned elsewhere, still on its way off its stack). Here, in order:
// duties (timers, poller), a fair share of the inject queue, the own queues, other processors' shared queues, a short
// search, sleep.
//
//   L1  Fairness. Every duty_interval decisions the loop serves the inject queue and the own shared queue first, and the
//       oldest newborn joins the line; the next slot goes before the queue at most next_limit times in a row, and not once
//       the monitor has seen it served for 10 ms; line and nursery take turns (own_queue.h). So a goroutine that has
//       run waits for at most 2 * next_limit decisions per goroutine ahead of it, and a newborn at most duty_interval
//       decisions more per older newborn.
//   L2  A worker searches for search_ns, only if some other processor runs, and at most one worker searches.
//   L3  A thief takes an offered goroutine only when it has seen it offered for offer_ns: its owner usually runs it
//       within that time, with its data in cache.
//   L4  Work left in the private queue of a processor whose goroutine does not enter the runtime is taken by seizing the
//       worker (worker.h): 8 µs, so only by a searcher that has found nothing else.
#include "sched/loop.h"

#include "base/assert.h"
#include "sched/birth.h"
#include "sched/debug_modes.h"
#include "sched/poller.h"
#include "sched/seam.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constexpr std::int64_t search_ns = 30'000;
constexpr std::int64_t offer_ns = 1'000;
constexpr std::int64_t poll_interval_ns = 50'000;  // P5: looking costs a system call

// What a search remembers between two rounds.
struct search {
  std::uintptr_t offered = 0;
  std::int64_t offered_since = 0;
  processor* slow = nullptr;      // a processor with something in its next slot ...
  std::uint32_t slow_tick = 0;    // ... that had taken this many decisions then
};

runnable steal_shared(processor& thief, processor& victim) {
  if (victim.shared.size() == 0 || victim.shared.steal_half_into(thief.queue) == 0) return {};
  trace::emit(trace::event::steal, static_cast<std::uint64_t>(thief.index), static_cast<std::uint64_t>(victim.index));
  return thief.queue.pop();
}

runnable take_ripe_offer(processor& victim, search& notes, std::int64_t now) noexcept {
  const std::uintptr_t word = victim.offer.load(base::relaxed);
  if (word == 0) return {};
  if (word != notes.offered) {
    notes.offered = word;
    notes.offered_since = now;
    return {};
  }
  if (now - notes.offered_since < offer_ns) return {};
  return runnable(victim.offer.exchange(0, base::acq_rel));
}

// L4. The victim's goroutine is running its own code: its next slot and half of its queue move to the thief. A next slot
// alone is taken only if the victim has made no decision since the search began.
runnable take_by_force(processor& thief, processor& victim, const search& notes) {
  worker* w = victim.holder.load(base::acquire);
  const bool is_slow = notes.slow == &victim && notes.slow_tick == victim.tick.load(base::relaxed);
  if (!w || (victim.queue.empty() && !is_slow)) return {};
  seize(*w, [&](worker& seized) {
    if (seized.held != &victim) return seizure::none;
    if (std::uintptr_t word = victim.next.load(base::relaxed); word && is_slow) {
      victim.next.store(0, base::relaxed);
      thief.queue.push(runnable(word));
    }
    for (std::uint32_t n = victim.queue.size() - victim.queue.size() / 2; n > 0; --n)
      thief.queue.adopt(victim.queue.pop_for_others());
    return seizure::none;
  });
  return thief.queue.pop();
}

runnable look_around(worker& w, search& notes, std::int64_t now, bool by_force) {
  processor& mine = *w.held;
  const auto count = static_cast<std::uint64_t>(the.created.load(base::acquire));
  const std::uint64_t first = next_random(w.random_state) % count;
  for (std::uint64_t i = 0; i < count; ++i) {
    processor& victim = *the.processors[(first + i) % count].load(base::acquire);
    if (&victim == &mine) continue;
    if (victim.timers.due(now)) victim.timers.fire_due(now);
    if (runnable work = steal_shared(mine, victim)) return work;
    if (runnable work = take_ripe_offer(victim, notes, now)) return work;
    if (by_force)
      if (runnable work = take_by_force(mine, victim, notes)) return work;
    if (!notes.slow && victim.next.load(base::relaxed) != 0) {
      notes.slow = &victim;
      notes.slow_tick = victim.tick.load(base::relaxed);
    }
  }
  return {};
}

runnable pop_own(processor& p) noexcept {
  if (std::uintptr_t word = p.next.load(base::relaxed)) {
    p.next.store(0, base::relaxed);
    return runnable(word);
  }
  if (runnable work = p.queue.pop()) return work;
  if (p.offer.load(base::relaxed) != 0)
    if (runnable work{p.offer.exchange(0, base::acq_rel)}) return work;
  return p.shared.pop();
}

// P5. A watcher sees events without being asked.
void look_at_poller(processor& p, std::int64_t now) {
  if (the.watcher.load(base::acquire) || (p.has_work() && now - p.polled_ns < poll_interval_ns)) return;
  p.polled_ns = now;
  if (const ready_list found = current_poller().poll(); !found.empty()) queue_ready(p, found);
}

// Timers and poller, and what L1 owes to those who wait longest.
void do_duties(processor& p) {
  p.attention.fetch_and(~std::uint32_t{attention_duties}, base::relaxed);
  const std::int64_t now = now_ns();
  if (p.timers.due(now)) p.timers.fire_due(now);
  if (current_poller().armed()) look_at_poller(p, now);
  if (p.attention.load(base::relaxed) & attention_slice) {
    p.attention.fetch_and(~std::uint32_t{attention_slice}, base::relaxed);
    if (std::uintptr_t word = p.next.load(base::relaxed)) {
      p.next.store(0, base::relaxed);
      p.queue.push(runnable(word));
    }
  }
}

// L1: one from the queues that others filled, before the own ones; in turns, as either may always have some.
runnable take_a_turn(processor& p) {
  // The fast path looks at the offer only when its queue is empty, thieves only when somebody searches: an offer that
  // nobody took by now goes behind what is queued.
  if (p.offer.load(base::relaxed) != 0)
    if (runnable untaken{p.offer.exchange(0, base::acq_rel)}) p.queue.push(untaken);
  p.queue.line_up_oldest_newborn();
  p.injected_first = !p.injected_first;
  for (bool injected : {p.injected_first, !p.injected_first}) {
    if (runnable work = injected ? take_one_injected() : p.shared.pop()) return work;
  }
  return {};
}

bool may_search(worker& w) {
  if (w.is_searching) return true;
  if (the.limit.load(base::relaxed) == 1) return false;
  std::uint32_t none = 0;
  if (!the.searching.compare_exchange_strong(none, 1, base::acq_rel, base::relaxed)) return false;
  the.hungry.fetch_add(1, base::seq_cst);  // P2: before we search
  w.is_searching = true;
  return true;
}

runnable search_around(worker& w) {
  search notes;
  const bool others_run = the.idle_processors.load(base::acquire) + 1 < static_cast<std::uint32_t>(the.limit.load(base::relaxed));
  const std::int64_t start = now_ns();
  for (std::int64_t now = start;; now = now_ns()) {
    processor& mine = *w.held;
    if (mine.attention.load(base::relaxed) != 0) do_duties(mine);
    if (mine.timers.due(now)) mine.timers.fire_due(now);
    take_injected(mine, 64);
    if (runnable work = pop_own(mine)) return work;
    const bool last_round = !others_run || now - start > search_ns;
    if (runnable work = look_around(w, notes, now, last_round)) return work;
    if (last_round) return {};
    for (int i = 0; i < 16; ++i) base::pause();
  }
}

// Returns what to run next, with w.held set.
runnable find_work(worker& w) {
  while (true) {
    if (w.carried) return std::exchange(w.carried, {});
    processor* p = w.held;
    if (!p || the.stopping.load(base::relaxed)) {
      go_idle(w);
      continue;
    }
    if (p->attention.load(base::relaxed) & attention_retire) {
      stop_searching(w);
      w.held = nullptr;
      p->holder.store(nullptr, base::release);
      retire(p);
      continue;
    }
    do_duties(*p);
    if (const std::uint32_t tick = p->tick.load(base::relaxed); tick - p->duty_tick >= duty_interval) {
      p->duty_tick = tick;
      if (runnable work = take_a_turn(*p)) return work;
    }
    if (runnable work = pop_own(*p)) return work;
    if (take_injected(*p, 64) != 0) continue;
    if (may_search(w))
      if (runnable work = search_around(w)) return work;
    if (!p->has_work()) go_idle(w);
  }
}

// Starts or resumes `work` here. Returns once something switches back to the native stack.
void run(worker& w, runnable work) {
  goroutine* next;
  if (work.is_newborn()) {
    next = be_born(w, *work.as_newborn());
  } else {
    next = work.as_goroutine();
    if (next->pinned_to && next->pinned_to != &w) {  // only there: the processor goes along
      processor* p = std::exchange(w.held, nullptr);
      hand_over_to(*next->pinned_to, p, work);
      return;
    }
    if (must_migrate(*next, w)) {
      processor* p = std::exchange(w.held, nullptr);
      hand_over(p, work);
      return;
    }
  }
  void* sp = arch::try_take(next->context);
  if (!sp) {  // its last worker is still on its way off that stack
    w.held->queue.push(work);
    base::pause();
    return;
  }
  w.current = next;
  arch::switch_to(w.native, next->context, sp);
}

// The pinned goroutine has parked: others use the processor until one comes back with it.
void wait_for_pinned(worker& w) {
  if (processor* p = std::exchange(w.held, nullptr)) {
    if (w.carried) p->queue.push(std::exchange(w.carried, {}));
    release_processor(p);
  }
  w.waits_pinned.store(true, base::seq_cst);
  wait_for_mail(w);
  w.waits_pinned.store(false, base::seq_cst);
}

}  // namespace

void release_dead_stack(worker& w) {
  const stack::stack_ref dead = std::exchange(w.dead_stack, {});
  if (w.held) w.held->stacks.release(dead);
  else stack::release_sized(dead);
}

void retire(processor* p) {
  for (runnable work = pop_own(*p); work; work = pop_own(*p)) inject(work);
  p->timers.move_all_to(the.processors[0].load(base::acquire)->timers);
  p->stacks.flush();
  p->newborns.flush();
  base::locked hold(the.idle_lock);
  p->is_retired = true;
  p->attention.fetch_and(~std::uint32_t{attention_retire}, base::relaxed);
}

[[noreturn]] void run_loop(worker& w) {
  while (true) {
    runnable work = find_work(w);
    stop_searching(w);
    if (!w.held->queue.empty()) {
      os::light_fence();
      if (the.hungry.load(base::relaxed) != 0) feed(*w.held);
    }
    w.held->tick.add_owned(1);
    run(w, work);
    bury(w);
    if (w.pinned) wait_for_pinned(w);
  }
}

}  // namespace weft::sched
