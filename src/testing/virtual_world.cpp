#include "testing/virtual_world.h"

#include <algorithm>

#include <weft/detail/newborn.h>
#include <weft/error.h>

#include "sched/schedule.h"
#include "sched/wheel.h"
#include "testing/report.h"
#include "testing/steady_clock.h"

namespace weft::testing {
namespace {

// V3. Never destroyed: handles of timers may outlive static destructors.
sched::timer_set& limbo() {
  static auto* set = new sched::timer_set;
  return *set;
}

}  // namespace

virtual_world::virtual_world(bool numbers_are_ids)
    : numbers_are_ids_(numbers_are_ids), first_ns_(first_moment_ns()), clock_(first_ns_) {}

virtual_world::~virtual_world() { timers_.move_all_to(limbo()); }

void virtual_world::abandon() {
  is_abandoned_.store(true, base::release);
  timers_.move_all_to(limbo());
}

void virtual_world::become_reachable() noexcept {
  static base::atomic<virtual_world*> kept{nullptr};
  kept_before_ = kept.load(base::relaxed);
  while (!kept.compare_exchange_weak(kept_before_, this, base::relaxed, base::relaxed)) continue;  // nobody follows the list
}

inhabitant& virtual_world::enrol(const char* name, const void* site, std::uint64_t by) {
  std::lock_guard hold(roll_lock_);
  inhabitant& fresh = roll_.emplace_back(*this, name);
  fresh.number = static_cast<std::uint32_t>(roll_.size());
  fresh.started_at = site;
  fresh.started_by = by;
  ++alive_;
  return fresh;
}

inhabitant& virtual_world::enrol_first(const char* name, const void* site) { return enrol(name, site, 0); }

sched::member& virtual_world::join(sched::member&, const detail::newborn& child) {
  return enrol(child.name, child.start_site, child.creator);
}

std::uint64_t virtual_world::id_of(sched::member& child, std::uint64_t proposed) noexcept {
  auto& who = static_cast<inhabitant&>(child);
  return who.id = numbers_are_ids_ ? who.number : proposed;
}

void virtual_world::note_end(inhabitant& who) {
  std::lock_guard hold(roll_lock_);
  who.has_ended = true;
  --alive_;
}

bool virtual_world::is_empty() {
  std::lock_guard hold(roll_lock_);
  return alive_ == 0;
}

bool virtual_world::first_has_ended() {
  std::lock_guard hold(roll_lock_);
  return roll_.front().has_ended;
}

bool virtual_world::advance() {
  while (true) {
    const std::int64_t due = timers_.next_due();
    if (due == sched::wheel::never) return false;
    clock_.store(std::max(due, now_ns()), base::relaxed);
    if (timers_.fire_due(now_ns()) != 0) return true;  // 0: next_due() was early, and is finer now (wheel.h)
  }
}

std::string virtual_world::describe_members() {
  std::lock_guard hold(roll_lock_);
  std::string text;
  for (const inhabitant& who : roll_)
    if (!who.has_ended) text += paragraph(who, now_ns());
  return text;
}

void virtual_world::settle(inhabitant& who) {
  inhabitant* nobody = nullptr;
  if (!settler_.compare_exchange_strong(nobody, &who, base::acq_rel, base::relaxed))
    throw misuse("testing::settle: another goroutine of this bubble waits in it");
  sched::park(sched::wait_reason::settle, nullptr);
  hear_all();
}

bool is_durable(sched::wait_reason reason) noexcept {
  using enum sched::wait_reason;
  switch (reason) {
    case chan_send:
    case chan_send_nil:
    case chan_receive:
    case chan_receive_nil:
    case select:
    case select_no_cases:
    case mutex_lock:
    case rw_mutex_lock:
    case rw_mutex_lock_shared:
    case cond_wait:
    case wait_group_wait:
    case semaphore_acquire:
    case sleep:
    case run:
    case settle: return true;
    default: return false;
  }
}

inhabitant* this_inhabitant() noexcept { return static_cast<inhabitant*>(sched::this_member()); }

}  // namespace weft::testing
