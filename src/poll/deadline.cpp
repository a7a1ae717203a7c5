// The deadlines of a descriptor: D6 to D8 of readiness.h.
#include "poll/readiness.h"

#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft::poll {

void readiness::set_deadline(direction d, std::int64_t when_ns) {
  const bool has_come = when_ns <= sched::now_ns();
  sched::ready_list woken;
  alarm& a = alarm_of(d);
  bool is_mine;
  {
    base::locked hold(lock_);
    if (is_closed_) return;
    a.due_ns = when_ns;
    expired_of(d).store(has_come, base::release);
    if (has_come) take_out_all(lane_of(d), woken);
    is_mine = wanted_ns(d) < a.armed_ns && !a.adjusting;
    if (is_mine) a.adjusting = true;
  }
  sched::ready_all(woken.first());
  if (is_mine) adjust(d);
}

void readiness::adjust(direction d) {
  alarm& a = alarm_of(d);
  while (true) {
    sched::stop_timer(a);
    std::int64_t target;
    {
      base::locked hold(lock_);
      target = a.armed_ns = is_closed_ ? never : wanted_ns(d);
      if (target == never) {
        a.adjusting = false;
        return;
      }
    }
    sched::start_timer(a, target);
    base::locked hold(lock_);
    // It may have fired by now, and left armed_ns at `never`; or somebody wants it earlier still.
    if (!is_closed_ && wanted_ns(d) < a.armed_ns) continue;
    a.adjusting = false;
    return;
  }
}

void readiness::alarm::fire_it(sched::timer_node* node) {
  auto& self = static_cast<alarm&>(*node);
  self.owner.fire(self.of);
}

// In the scheduler loop of some worker.
void readiness::fire(direction d) {
  const std::int64_t now = sched::now_ns();
  sched::ready_list woken;
  alarm& a = alarm_of(d);
  bool is_early;
  {
    base::locked hold(lock_);
    a.armed_ns = never;
    if (!is_closed_ && wanted_ns(d) <= now) {
      expired_of(d).store(true, base::release);
      take_out_all(lane_of(d), woken);
    }
    is_early = !is_closed_ && wanted_ns(d) != never && !a.adjusting;
    if (is_early) a.adjusting = true;
  }
  // Sleepers first, whose stacks have nothing to do with the timer; then the timer, which retire() may be waiting for.
  sched::ready_all(woken.first());
  sched::done_firing(a);
  if (is_early) adjust(d);
}

void readiness::retire() {
  for (alarm& a : alarms_) {
    base::backoff spin;
    while (true) {  // whoever adjusts sees that we are closed, and arms nothing more
      {
        base::locked hold(lock_);
        if (!a.adjusting) {
          a.adjusting = true;
          break;
        }
      }
      spin.wait();
    }
    sched::stop_timer(a);
    base::locked hold(lock_);
    a.armed_ns = never;
    a.adjusting = false;
  }
}

}  // namespace weft::poll
