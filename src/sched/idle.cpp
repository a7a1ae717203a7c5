#include "sched/idle.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/prefetch.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/process_threads.h"
#include "sched/loop.h"
#include "sched/monitor.h"
#include "sched/poller.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/sharing.h"
#include "sched/thread_sleeper.h"
#include "sched/wheel.h"
#include "trace/trace.h"

namespace weft::sched {

constinit scheduler the;

static constexpr std::int64_t refused_look_ns = 100'000;  // steal.h, V4

void put_idle(processor* p) {
  p->holder.store(nullptr, base::release);
  {
    base::locked guard(the.idle_lock);
    if (!p->is_retired) {
      p->next_idle = the.idle_list;
      the.idle_list = p;
      the.idle_processors.store(the.idle_processors.load(base::relaxed) + 1, base::seq_cst);
      the.hungry.fetch_add(1, base::seq_cst);  // P3: the sleeper's publication
      return;
    }
  }
  retire(p);  // GCOVR_EXCL_LINE: its holder let go just before resize() retired it
}

processor* take_idle() noexcept {
  if (the.idle_processors.load(base::acquire) == 0) return nullptr;
  base::locked guard(the.idle_lock);
  processor* taken = the.idle_list;
  if (!taken) return nullptr;
  the.idle_list = taken->next_idle;
  taken->next_idle = nullptr;
  the.idle_processors.store(the.idle_processors.load(base::relaxed) - 1, base::release);
  the.hungry.fetch_sub(1, base::acq_rel);
  return taken;
}

namespace {

// The inject queue grows in steps: memory is got and given back without the lock.
void push_injected(runnable work) {
  std::unique_ptr<std::uintptr_t[]> storage;
  for (std::uint32_t slots = 0;; storage = std::make_unique_for_overwrite<std::uintptr_t[]>(slots)) {
    base::locked guard(the.idle_lock);
    if (the.inject->full()) {
      if (slots <= the.inject->slots()) {
        slots = the.inject->slots() * 2;
        continue;
      }
      the.inject->move_into(storage, slots);
    }
    the.inject->push(work);
    the.injected.store(the.inject->size(), base::release);
    return;
  }
}

void wake_for_injected() {
  // Not only processors' owners inject: no asymmetric fence here. seq_cst pairs with the heavy fence of go_idle (P3).
  base::thread_fence(base::seq_cst);
  if (the.hungry.load(base::relaxed) != 0 && the.searching.load(base::relaxed) == 0) wake_one();
}

}  // namespace

void inject(runnable work) {
  push_injected(work);
  wake_for_injected();
}

namespace {

// Threads are woken at once; goroutines are for `take`, in order.
template <class Take>
void for_each_ready(const ready_list& found, Take&& take) {
  for (const detail::waiter* each = found.first(); each; each = each->next) base::prefetch(each->who, base::cache_line);
  for (detail::waiter* next = found.first(); next;) {
    detail::sleeper* who = next->who;
    next = next->next;  // before it is taken: the waiter dies with its sleeper
    if (!who->is_goroutine) {
      ready_thread(static_cast<thread_sleeper&>(*who));
      continue;
    }
    auto* g = static_cast<goroutine*>(who);
    if (g->membership) [[unlikely]] {  // its world decides when it runs
      ready(g);
      continue;
    }
    trace::emit(trace::event::ready, g->id);
    take(runnable(g));
  }
}

}  // namespace

void queue_ready(processor& p, const ready_list& found) {
  for_each_ready(found, [&](runnable work) { p.queue.push(work); });
}

runnable queue_all_but_first(processor& p, const ready_list& found) {
  runnable first;
  for_each_ready(found, [&](runnable work) {
    if (first) p.queue.push(work);
    else first = work;
  });
  return first;
}

void inject_ready(const ready_list& found) {
  bool any = false;
  for_each_ready(found, [&](runnable work) {
    push_injected(work);
    any = true;
  });
  if (any) wake_for_injected();
}

runnable take_one_injected() {
  if (the.injected.load(base::acquire) == 0) return {};
  base::locked guard(the.idle_lock);
  runnable oldest = the.inject->pop();
  the.injected.store(the.inject->size(), base::release);
  return oldest;
}

std::uint32_t take_injected(processor& into, std::uint32_t most) {
  if (the.injected.load(base::acquire) == 0) return 0;
  base::locked guard(the.idle_lock);
  const auto share = the.inject->size() / static_cast<std::uint32_t>(the.limit.load(base::relaxed)) + 1;
  std::uint32_t taken = 0;
  while (taken < share && taken < most) {
    runnable work = the.inject->pop();
    if (!work) break;
    into.queue.push(work);
    ++taken;
  }
  the.injected.store(the.inject->size(), base::release);
  return taken;
}

void stock(processor& p) {
  const std::uint32_t there = p.shared.size(), most = worth_giving(p);
  if (there >= most) return;
  std::uint32_t give = std::min(p.queue.size() - p.queue.size() / 2, most - there);
  p.births.hand_out(give);  // AC4: before others can run them
  for (; give > 0; --give) {
    const bool fits = p.shared.push(p.queue.pop_for_others());
    weft_assert(fits, "the shared queue holds a batch, and only its owner adds to it");
  }
}

void feed(processor& p) {
  if (p.shared.size() == 0 && !p.queue.empty()) stock(p);
  if (p.shared.size() == 0) {
    // Only the next slot is filled. Its goroutine usually runs here in a moment; if it does not, others may have it.
    const std::uintptr_t word = p.next.load(base::relaxed);
    if (word == 0 || p.offer.load(base::relaxed) != 0) return;
    p.next.store(0, base::relaxed);
    p.offer.store(word, base::release);
    if (!worth_a_wake_for_next(p)) return;
  }
  if (the.searching.load(base::relaxed) == 0) wake_one();
}

void wake_one() {
  if (the.idle_processors.load(base::acquire) == 0 || the.stopping.load(base::relaxed)) return;
  std::uint32_t none = 0;
  if (!the.searching.compare_exchange_strong(none, 1, base::acq_rel, base::relaxed)) return;
  processor* p = take_idle();
  if (!p) {
    the.searching.fetch_sub(1, base::acq_rel);
    return;
  }
  the.hungry.fetch_add(1, base::acq_rel);  // now as a searcher: P2
  hand_over(p);
}

namespace {

// REQUIRES: idle_lock held, w in the list.
void unlist_locked(worker& w) noexcept {
  worker** link = &the.sleeping;
  while (*link != &w) link = &(*link)->next_idle;
  *link = w.next_idle;
  w.next_idle = nullptr;
  w.is_idle = false;
  the.idle_workers.store(the.idle_workers.load(base::relaxed) - 1, base::release);
}

// The worker that went to sleep last, the watcher only if there is no other; null when all are busy.
worker* take_sleeper() noexcept {
  base::locked guard(the.idle_lock);
  worker* w = the.sleeping;
  if (w && w->next_idle && the.watcher.load(base::relaxed) == w) w = w->next_idle;
  if (w) unlist_locked(*w);
  return w;
}

}  // namespace

bool leave_sleepers(worker& w) noexcept {
  base::locked guard(the.idle_lock);
  if (!w.is_idle) return false;
  unlist_locked(w);
  return true;
}

void begin(worker& w, processor* p, runnable carried) noexcept {
  w.carried = carried;
  w.is_searching = !carried;
  w.look_again_ns = os::no_deadline;
  hold(w, p);
}

void hold(worker& w, processor* p) noexcept {
  w.held = p;
  begin_pace(*p, os::monotonic_ns());
  if (w.detached.load(base::relaxed)) [[unlikely]] {
    w.detached.store(false, base::relaxed);
    os::set_batch(w.tid, false);
  }
  p->holder.store(&w, base::release);
  monitor_notice_work();
}

processor* rejoin(worker& w) noexcept {
  processor* p = take_idle();
  if (p) hold(w, p);
  return p;
}

void hand_over_to(worker& w, processor* p, runnable carried) {
  w.assigned = p;
  w.assigned_work = carried;
  p->holder.store(&w, base::release);  // from here on: the deadlock detector must not find it in nobody's hands
  w.wake_word.store(1, base::seq_cst);  // seq_cst with the load: pairs with watch(), which announces itself, then looks
  if (the.watcher.load(base::seq_cst) == &w) current_poller().wake();
  os::futex_wake(w.wake_word, 1);
  the.wakeups.fetch_add(1, base::relaxed);
}

void hand_over(processor* p, runnable carried) {
  if (worker* w = take_sleeper()) hand_over_to(*w, p, carried);
  else start_worker(p, carried);
}

void stop_searching(worker& w) {
  if (!w.is_searching) return;
  w.is_searching = false;
  the.hungry.fetch_sub(1, base::acq_rel);
  if (the.searching.fetch_sub(1, base::acq_rel) != 1 || the.idle_processors.load(base::acquire) == 0) return;
  // The last searcher has found something. If there is more, or nobody is left to watch (P4), the next one is woken.
  if (work_is_visible()) wake_one();
  else if (is_unwatched()) leave_unwatched(*w.held);
}

bool work_is_visible(refusal refused) noexcept {
  if (the.injected.load(base::acquire) != 0) return true;
  const std::int64_t now = os::monotonic_ns();
  bool found = false;
  for_each_processor([&](processor& p) {
    const bool refuses = refused.by == &p && refused.tick == p.tick.load(base::relaxed);
    found |= (wants_help(p) && !refuses) || (has_published(p) && !is_quiet(p, now));
  });
  return found;
}

bool wake_self(worker& w) {
  std::uint32_t none = 0;
  if (!the.searching.compare_exchange_strong(none, 1, base::acq_rel, base::relaxed)) return false;
  processor* p = take_idle();
  if (!p) {
    the.searching.fetch_sub(1, base::acq_rel);
    return false;
  }
  the.hungry.fetch_add(1, base::acq_rel);
  if (!leave_sleepers(w)) {  // somebody has just assigned one to us: this one is for another
    hand_over(p);  // GCOVR_EXCL_LINE: a race that tests/model/idle_model.cpp brings about
    return true;   // GCOVR_EXCL_LINE
  }
  begin(w, p, {});
  return true;
}

bool is_worth_another_look(worker& w, std::int64_t now) noexcept {
  if (now < w.look_again_ns) return false;
  w.look_again_ns = os::no_deadline;
  return work_is_visible();
}

namespace {

// V4, for those who do not watch. True: the worker has taken a processor.
bool looked_again(worker& w) {
  while (w.look_again_ns != os::no_deadline && w.wake_word.load(base::acquire) == 0) {
    os::futex_wait(w.wake_word, 0, w.look_again_ns);
    if (is_worth_another_look(w, os::monotonic_ns()) && w.wake_word.load(base::acquire) == 0 && wake_self(w)) return w.held;
  }
  return false;
}

}  // namespace

void wait_for_mail(worker& w) noexcept {
  while (w.wake_word.load(base::acquire) == 0) os::futex_wait(w.wake_word, 0, os::no_deadline);
  w.wake_word.store(0, base::relaxed);
  begin(w, w.assigned, w.assigned_work);
}

void release_processor(processor* p) {
  if (p->has_work() || the.injected.load(base::acquire) != 0) {
    the.searching.fetch_add(1, base::acq_rel);
    the.hungry.fetch_add(1, base::acq_rel);
    hand_over(p);
    return;
  }
  put_idle(p);
  os::heavy_fence();  // P3, P4
  if (work_is_visible()) wake_one();
  ensure_watched();
}

void go_idle(worker& w) {
  if (processor* p = std::exchange(w.held, nullptr)) put_idle(p);
  {
    base::locked guard(the.idle_lock);
    w.next_idle = the.sleeping;
    the.sleeping = &w;
    w.is_idle = true;
    the.idle_workers.store(the.idle_workers.load(base::relaxed) + 1, base::release);
  }
  if (w.is_searching) {
    w.is_searching = false;
    the.hungry.fetch_sub(1, base::acq_rel);
    the.searching.fetch_sub(1, base::seq_cst);
  }
  os::heavy_fence();  // P3: what was published before is visible, what comes later sees us hungry
  const refusal refused = std::exchange(w.refused, {});
  if (work_is_visible(refused)) wake_one();
  else if (refused.by) w.look_again_ns = os::monotonic_ns() + refused_look_ns;
  worker* nobody = nullptr;
  if (!the.stopping.load(base::acquire) && the.watcher.compare_exchange_strong(nobody, &w, base::seq_cst, base::relaxed)) {
    watch(w);
    if (w.held) {
      if (w.carried) leave_unwatched(*w.held);  // P4; a searcher sees to it when it stops
      return;
    }
    if (w.wake_word.load(base::acquire) == 0) {
      tell_busy_processors();
      os::heavy_fence();  // P4: who went idle meanwhile found us watching, and sleeps
      if (the.idle_processors.load(base::relaxed) != 0) ensure_watched();
    }
  }
  if (!looked_again(w)) wait_for_mail(w);
}

}  // namespace weft::sched
