// The scheduler loop: find something to run, switch to it, and when it comes back, find the next.
//
// A goroutine that parks picks its successor itself (schedule.cpp) and comes here only when the fast path has nothing, when
// duties are due (L3), or when the successor is special (pinned elsewhere, still on its way off its stack). Here, in order:
// duties (timers, poller), a fair share of the inject queue, the own queues, other processors' shared queues, a short
// search, sleep.
//
//   L1  Fairness. Each time that duties are due (L3) the loop serves the inject queue or the own shared queue first, as much
//       of what is injected as there were decisions and half of what nobody took from the shared queue go to the end of the line
//       (newborns stay there while thieves come: sharing.h, S7), and the oldest newborn joins it; the next slot goes before
//       the queue at most next_limit times in a row, and not once the monitor has seen it served for 10 ms; line and nursery
//       take turns (own_queue.h). So a goroutine that has run waits for at most 2 * next_limit decisions per goroutine ahead
//       of it, and a newborn for as many more per older newborn as there are between duties.
//   L2  A worker searches for search_ns, only if some other processor runs, and at most one worker searches. What it may
//       take from whom: steal.h. For short_search_ns where timers are gathered (watch.h): they bring the next work.
//   L3  Duties are due after 64 decisions. Where those take less than duties_every_ns (S1) it is as many as take so long, up to
//       512: a yield took 9.0 ns with duties every 64, 8.1 with 512. Should the decisions become slower meanwhile, the monitor
//       asks for the duties when none were done between two of its looks.
#include "sched/loop.h"

#include <algorithm>

#include "base/assert.h"
#include "sched/birth.h"
#include "sched/debug_modes.h"
#include "sched/poller.h"
#include "sched/seam.h"
#include "sched/steal.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constexpr std::int64_t duties_every_ns = 8'000;
constexpr std::int64_t search_ns = 30'000;
constexpr std::int64_t short_search_ns = 6'000;  // enough to see that a processor is stuck: steal.h, V2
constexpr int fewest_pauses = 8, most_pauses = 64;  // between two looks around: steal.h
constexpr std::int64_t poll_interval_ns = 50'000;  // P5: looking costs a system call
constexpr std::uint8_t turns_until_no_visit = 4;  // sharing.h, S7
constexpr std::int64_t longest_poll_interval_ns = 1'000'000;

// To be run on w next.
runnable pop_own(worker& w, processor& p) noexcept {
  if (std::uintptr_t word = p.next.load(base::relaxed)) {
    p.next.store(0, base::relaxed);
    return runnable(word);
  }
  if (runnable work = p.queue.pop(w.cradle)) return work;
  if (p.offer.load(base::relaxed) != 0)
    if (runnable work{p.offer.exchange(0, base::acq_rel)}) return work;
  return p.shared.pop();
}

// P5. What a look finds comes behind all that is queued: none is needed before what was queued at the last one has had its
// turn, and what was found then is run while it is in cache. But others may have to take work over from here.
bool is_look_due(const processor& p, std::int64_t now) {
  if (!p.has_work()) return true;
  const std::int64_t since = now - p.polled_ns.load(base::relaxed);
  if (since < poll_interval_ns) return false;
  return since >= longest_poll_interval_ns || p.tick.load(base::relaxed) - p.polled_tick >= p.queued_when_polled;
}

// A watcher sees events without being asked. What is found where there is nothing else to do is nobody else's.
void look_at_poller(processor& p, std::int64_t now) {
  if (the.watcher.load(base::acquire) || !is_look_due(p, now)) return;
  p.polled_ns.store(now, base::relaxed);
  if (const ready_list found = current_poller().poll(); !found.empty()) {
    const bool had_work = p.has_work();
    queue_ready(p, found);
    if (had_work) share_if_hungry(p);
    else if (p.owes_watcher != 0) p.owes_watcher = owes_for_long;  // P4: nobody would have seen it sooner
  }
  p.polled_tick = p.tick.load(base::relaxed);
  p.queued_when_polled = p.queue.size();
}

// Timers and poller, and what L1 owes to those who wait longest.
void do_duties(processor& p) {
  p.attention.fetch_and(~std::uint32_t{attention_duties}, base::relaxed);
  const std::int64_t now = now_ns();
  note_pace(p, now);
  if (the.hungry.load(base::relaxed) != 0 && worth_a_probe(p, now)) feed(p);
  fire_timers(p, p.timers, now);
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
  const std::uint32_t tick = p.tick.load(base::relaxed);
  const std::uint32_t decisions = std::max(tick - p.duty_tick, fewest_between_duties);
  p.duty_tick = tick;
  const std::int64_t until_next = duties_every_ns / p.pace.decision_ns;  // L3
  p.duties_at.store(tick + static_cast<std::uint32_t>(std::clamp<std::int64_t>(until_next, fewest_between_duties, most_between_duties)),
                    base::relaxed);
  // The fast path looks at the offer only when its queue is empty, thieves only when somebody searches: an offer that
  // nobody took by now goes behind what is queued.
  if (p.offer.load(base::relaxed) != 0)
    if (runnable untaken{p.offer.exchange(0, base::acq_rel)}) p.queue.push(untaken);
  p.queue.line_up_oldest_newborn();
  p.injected_first = !p.injected_first;
  runnable turn;
  for (bool injected : {p.injected_first, !p.injected_first}) {
    if ((turn = injected ? take_one_injected() : p.shared.pop())) break;
  }
  // The rest of them must not wait for the own queue to become empty: with many connections it never does.
  take_injected(p, decisions);
  // S7. Else what nobody comes for goes to the end of the own line, half of it each time.
  if (p.was_visited.load(base::relaxed)) {
    p.was_visited.store(false, base::relaxed);
    p.visits_expected = turns_until_no_visit;
  } else if (p.visits_expected != 0) {
    --p.visits_expected;
  }
  const bool is_shy = p.quiet_ns.load(base::relaxed) != 0;
  if (p.visits_expected != 0 && !is_shy && has_slow_newborns(p)) stock(p);
  else if (the.hungry.load(base::relaxed) == 0 || is_shy) p.shared.steal_half_into(p.queue);
  return turn;
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

// One round: timers, what came from outside, what came back to the own queues, the others.
runnable search_once(worker& w, search& notes, std::int64_t now) {
  processor& mine = *w.held;
  if (mine.attention.load(base::relaxed) != 0) do_duties(mine);
  // Others' too: one of theirs may be what the watcher woke for, while the own ones never let it come to look_around().
  if (notes.fires_timers) for_each_processor([&](processor& p) { fire_timers(mine, p.timers, now); });
  take_injected(mine, 64);
  if (runnable work = pop_own(w, mine)) return work;
  return look_around(w, notes, now);
}

runnable search_around(worker& w) {
  const bool others_run = the.idle_processors.load(base::acquire) + 1 < static_cast<std::uint32_t>(the.limit.load(base::relaxed));
  const std::int64_t start = now_ns(), end = start + (timers_are_dense() ? short_search_ns : search_ns);
  search notes;
  w.refused = {};
  int pauses = fewest_pauses;
  for (std::int64_t now = start;; now = now_ns()) {
    if (runnable work = search_once(w, notes, now)) {
      begin_pace(*w.held, std::max(now, w.held->pace.since_ns));  // S1: not before the timers were fired
      return work;
    }
    if (!others_run || now > end) return {};
    notes.fires_timers = !timers_are_dense();
    for (int i = 0; i < pauses; ++i) base::pause();
    pauses = std::min(2 * pauses, most_pauses);
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
    const bool is_asked = (p->attention.load(base::relaxed) & attention_duties) != 0;
    do_duties(*p);
    if (is_asked || is_duty_due(*p, p->tick.load(base::relaxed)))
      if (runnable work = take_a_turn(*p)) return work;
    if (runnable work = pop_own(w, *p)) return work;
    if (take_injected(*p, 64) != 0) continue;
    if (w.guest.host) end_visit(w, now_ns());
    if (may_search(w))
      if (runnable work = search_around(w)) return work;
    if (!p->has_work()) go_idle(w);
  }
}

// Starts or resumes `work` here. Returns once something switches back to the native stack.
WEFT_SWITCHES_STACKS void run(worker& w, runnable work) {
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
  leave_for(w.native_fiber, next->sanitized);
  arch::switch_to(w.native, next->context, sp);
  arrive(w.native_fiber);
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
  bury_fiber(w.dead_fiber, dead);
  if (w.held) w.held->stacks.release(dead);
  else stack::release_sized(dead);
}

void retire(processor* p) {
  p->births.hand_out_all();
  if (const std::uintptr_t word = p->next.load(base::relaxed)) p->queue.push(runnable(word));
  p->next.store(0, base::relaxed);
  while (runnable work = p->queue.pop_for_others()) inject(work);
  if (runnable untaken{p->offer.exchange(0, base::acq_rel)}) inject(untaken);
  while (runnable work = p->shared.pop()) inject(work);
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
    if (!w.held->queue.empty()) share_if_hungry(*w.held);
    if (w.held->owes_watcher != 0 && --w.held->owes_watcher == 0) ensure_watched();  // P4
    w.held->tick.add_owned(1);
    run(w, work);
    bury(w);
    if (w.pinned) wait_for_pinned(w);
  }
}

}  // namespace weft::sched
