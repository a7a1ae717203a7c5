#include "poll/readiness.h"

#include "base/assert.h"
#include "sched/schedule.h"

namespace weft::poll {

void readiness::open(std::uint32_t generation) noexcept {
  base::locked hold(lock_);
  weft_assert(is_closed_ && lanes_[0].waiters.empty() && lanes_[1].waiters.empty(), "a descriptor is reused while in use");
  is_closed_ = false;
  generation_ = generation;
  closing_told_.store(false, base::relaxed);
  for (const auto d : {direction::read, direction::write}) {
    lane_of(d).edges.store(1, base::relaxed);
    lane_of(d).drained.store(0, base::relaxed);
    expired_of(d).store(false, base::relaxed);
    alarm_of(d).due_ns = never;
  }
}

void readiness::take_out_all(lane& from, sched::ready_list& woken) noexcept {
  while (detail::waiter* sleeper = from.waiters.pop()) woken.push_back(*sleeper);
}

void readiness::post(std::uint32_t generation, std::uint32_t what, sched::ready_list& woken) noexcept {
  base::locked hold(lock_);
  if (is_closed_ || generation != generation_) return;  // D5
  // Before the edge, which publishes it: whoever has seen the edge sees this (D4).
  if (what & post_closing) closing_told_.store(true, base::relaxed);
  for (auto [bit, l] : {std::pair{post_read, &lanes_[0]}, std::pair{post_write, &lanes_[1]}}) {
    if (!(what & bit)) continue;
    l->edges.store(l->edges.load(base::relaxed) + 1, base::release);
    take_out_all(*l, woken);
  }
}

std::optional<outcome> readiness::enlist(direction d, detail::waiter& request, bool even_if_ready) noexcept {
  lane& l = lane_of(d);
  base::locked hold(lock_);
  if (is_closed_) return outcome::closed;
  if (expired_of(d).load(base::relaxed)) return outcome::timed_out;
  if (!even_if_ready && l.edges.load(base::relaxed) != l.drained.load(base::relaxed)) return outcome::ready;
  l.waiters.push_back(request);
  return std::nullopt;
}

void readiness::withdraw(direction d, detail::waiter& request) noexcept {
  base::locked hold(lock_);
  lane_of(d).waiters.remove(request);
}

outcome readiness::wait(direction d, const patience& limits) {
  while (true) {
    sleep rest(limits);
    if (auto known = enlist(d, rest.request)) return *known;
    const sleep::end end = rest.park(sched::wait_reason::io_wait, this);
    if (end == sleep::served) continue;  // D3
    withdraw(d, rest.request);
    return end == sleep::cancelled ? outcome::cancelled : outcome::timed_out;
  }
}

outcome readiness::pause(direction d, const patience& until) {
  while (true) {
    sleep rest(until);
    if (auto known = enlist(d, rest.request, true)) return *known;
    const sleep::end end = rest.park(sched::wait_reason::io_wait, this);
    if (end == sleep::served) continue;
    withdraw(d, rest.request);
    return end == sleep::cancelled ? outcome::cancelled : outcome::ready;
  }
}

void readiness::close() {
  sched::ready_list woken;
  {
    base::locked hold(lock_);
    is_closed_ = true;
    take_out_all(lanes_[0], woken);
    take_out_all(lanes_[1], woken);
  }
  sched::ready_all(woken.first());
}

bool readiness::awaited() noexcept {
  base::locked hold(lock_);
  return !lanes_[0].waiters.empty() || !lanes_[1].waiters.empty();
}

}  // namespace weft::poll
