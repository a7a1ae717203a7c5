// The deadlines of a descriptor: D6 to D8 of readiness.h.
#include "poll/readiness.h"

#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft::poll {

void readiness::set_deadline(direction d, std::int64_t when_ns) {
  const bool has_come = when_ns <= sched::now_ns();
  sched::ready_list woken;
  lane& l = lane_of(d);
  bool is_mine;
  {
    base::locked hold(lock_);
    if (is_closed_) return;
    l.due_ns = when_ns;
    l.expired.store(has_come, base::release);
    if (has_come) take_out_all(l, woken);
    is_mine = l.wanted_ns() < l.armed_ns && !l.adjusting;
    if (is_mine) l.adjusting = true;
  }
  sched::ready_all(woken.first());
  if (is_mine) adjust(l);
}

void readiness::adjust(lane& l) {
  while (true) {
    sched::stop_timer(l.timer);
    std::int64_t target;
    {
      base::locked hold(lock_);
      target = l.armed_ns = is_closed_ ? never : l.wanted_ns();
      if (target == never) {
        l.adjusting = false;
        return;
      }
    }
    sched::start_timer(l.timer, target);
    base::locked hold(lock_);
    // It may have fired by now, and left armed_ns at `never`; or somebody wants it earlier still.
    if (!is_closed_ && l.wanted_ns() < l.armed_ns) continue;
    l.adjusting = false;
    return;
  }
}

void readiness::deadline_timer::fire_it(sched::timer_node* node) {
  auto& self = static_cast<deadline_timer&>(*node);
  self.owner.fire(self.of);
}

// In the scheduler loop of some worker.
void readiness::fire(lane& l) {
  const std::int64_t now = sched::now_ns();
  sched::ready_list woken;
  bool is_early;
  {
    base::locked hold(lock_);
    l.armed_ns = never;
    if (!is_closed_ && l.wanted_ns() <= now) {
      l.expired.store(true, base::release);
      take_out_all(l, woken);
    }
    is_early = !is_closed_ && l.wanted_ns() != never && !l.adjusting;
    if (is_early) l.adjusting = true;
  }
  // Sleepers first, whose stacks have nothing to do with the timer; then the timer, which retire() may be waiting for.
  sched::ready_all(woken.first());
  sched::done_firing(l.timer);
  if (is_early) adjust(l);
}

void readiness::retire() {
  for (lane* l : {&read_, &write_}) {
    base::backoff spin;
    while (true) {  // whoever adjusts sees that we are closed, and arms nothing more
      {
        base::locked hold(lock_);
        if (!l->adjusting) {
          l->adjusting = true;
          break;
        }
      }
      spin.wait();
    }
    sched::stop_timer(l->timer);
    base::locked hold(lock_);
    l->armed_ns = never;
    l->adjusting = false;
  }
}

}  // namespace weft::poll
