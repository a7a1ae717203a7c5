#include "sched/watch.h"

#include <algorithm>

#include "os/clock.h"
#include "sched/idle.h"
#include "sched/monitor.h"
#include "sched/seam.h"
#include "sched/sharing.h"

namespace weft::sched {

namespace {

constexpr std::int64_t ms = 1'000'000;

std::uint64_t count_fired() noexcept {
  std::uint64_t fired = 0;
  for_each_processor([&](processor& p) { fired += p.timers.fired(); });
  return fired;
}

// P4; sharing.h, S8.
bool can_owe_for_long(const processor& p) noexcept { return timers_are_dense() || has_short_turns(p); }

// P4. False: the caller is no goroutine on a processor.
bool owe_watcher() noexcept {
  runtime_scope inside;
  processor* p = inside.processor();
  if (!p || !inside.get()->current) return false;
  p->owes_watcher = can_owe_for_long(*p) ? owes_for_long : 2;
  return true;
}

// P5. True: the watcher has taken a processor, and runs there what was found. False: others will.
bool run_found(worker& w, const ready_list& found) {
  bool any = false;
  for (detail::waiter* each = found.first(); each && !any; each = each->next)
    any = each->who->is_goroutine && !static_cast<goroutine*>(each->who)->membership;  // a world's are not ours to run
  processor* p = any ? take_idle() : nullptr;
  if (!p) {
    inject_ready(found);
    return false;
  }
  if (!leave_sleepers(w)) {  // somebody has just assigned one to us: this one stays idle, and what was found wakes who may have it
    put_idle(p);
    inject_ready(found);
    return false;
  }
  begin(w, p, queue_all_but_first(*p, found));
  return true;
}

}  // namespace

void density::judge(std::int64_t now, std::uint64_t fired) noexcept {
  const std::int64_t interval = now - since_ns;
  if (interval < ms) return;
  const std::uint64_t per_ms = (fired - fired_before) * ms / static_cast<std::uint64_t>(interval);
  since_ns = now;
  fired_before = fired;
  streak = per_ms >= dense_per_ms ? streak + 1 : 0;
  if (per_ms < sparse_per_ms) is_dense.store(false, base::relaxed);
  else if (streak >= dense_intervals) is_dense.store(true, base::relaxed);
}

void watch(worker& w) {
  while (w.wake_word.load(base::seq_cst) == 0 && !the.stopping.load(base::acquire)) {
    const std::int64_t earliest = earliest_timer(), now = os::monotonic_ns();
    the.timer_density.judge(now, count_fired());
    const std::int64_t slack = timers_are_dense() ? gather_ns : 0;  // G2
    const std::int64_t deadline = std::max(earliest, std::min(earliest, now) + slack);
    the.watch_deadline.store(deadline - slack, base::seq_cst);
    os::heavy_fence();  // pairs with timer_armed()
    if (earliest_timer() < std::min(earliest, deadline - slack)) continue;
    if (const ready_list found = current_poller().wait(std::min(deadline, w.look_again_ns)); !found.empty() && run_found(w, found)) break;
    const std::int64_t then = now_ns();
    const bool something = the.injected.load(base::acquire) != 0 || earliest_timer() <= then || is_worth_another_look(w, then);
    if (something && w.wake_word.load(base::acquire) == 0 && (!wake_self(w) || w.held)) break;
  }
  the.watch_deadline.store(wheel::never, base::relaxed);
  the.watcher.store(nullptr, base::seq_cst);
}

void tell_busy_processors() noexcept {
  for_each_processor([](processor& busy) { busy.attention.fetch_or(attention_duties, base::relaxed); });
}

std::int64_t earliest_timer() noexcept {
  std::int64_t earliest = wheel::never;
  for_each_processor([&](processor& p) {
    if (std::int64_t due = p.timers.next_due(); due < earliest) earliest = due;
  });
  return earliest;
}
bool timers_pending() noexcept { return earliest_timer() != wheel::never; }
bool timers_are_dense() noexcept { return the.timer_density.is_dense.load(base::relaxed); }

void timer_armed(std::int64_t when_ns) {
  os::light_fence();  // pairs with the heavy fence of watch(): it sees our timer, or we see its deadline
  if (when_ns >= the.watch_deadline.load(base::relaxed) || this_world()) [[likely]] return;
  if (the.watcher.load(base::acquire)) current_poller().wake();
  else if (the.idle_processors.load(base::acquire) == 0) monitor_notice_timer(when_ns);
  else if (!owe_watcher()) wake_one();
}

bool is_unwatched() noexcept { return !the.watcher.load(base::acquire) && (timers_pending() || current_poller().armed()); }

void leave_unwatched(processor& p) {
  if (can_owe_for_long(p)) p.owes_watcher = owes_for_long;
  else ensure_watched();
}

void ensure_watched() {
  if (the.idle_processors.load(base::acquire) != 0 && is_unwatched()) wake_one();
}

}  // namespace weft::sched
