#include "testing/bubble.h"

#include <memory>

#include <weft/testing.h>

#include "base/fatal.h"
#include "sched/schedule.h"
#include "testing/report.h"

namespace weft::testing {

void bubble_world::runnable_now(sched::member&, sched::runnable work) {
  if (is_abandoned()) return;
  active_.fetch_add(1, base::acq_rel);
  sched::enqueue(work);
}

void bubble_world::parks(sched::member& parker, sched::wait_reason reason) {
  auto& who = static_cast<inhabitant&>(parker);
  who.body->since_ns.store(now_ns(), base::relaxed);
  tell();
  if (is_durable(reason)) leave_count(who);
  else ++who.debt;
}

void bubble_world::ends(sched::member& ender) {
  auto& who = static_cast<inhabitant&>(ender);
  tell();
  note_end(who);
  leave_count(who);
}

void bubble_world::waits_outside(sched::member&, bool waits) noexcept {
  if (waits) active_.fetch_add(1, base::acq_rel);
  else active_.fetch_sub(1, base::acq_rel);  // the caller runs: not to zero
}

// B2, B3. Nothing of *this may be touched once it returns.
void bubble_world::leave_count(inhabitant& who) {
  std::uint32_t leaving = 1 + std::exchange(who.debt, 0);
  while (active_.fetch_sub(leaving, base::acq_rel) == leaving) {
    std::uint32_t none = 0;
    if (!active_.compare_exchange_strong(none, 1, base::acq_rel, base::relaxed)) return;  // somebody outside was first
    leaving = 1;
    if (!do_next()) return;
  }
}

// False: the world is over, and may be gone.
bool bubble_world::do_next() {
  if (is_empty()) {
    finish();
    return false;
  }
  if (inhabitant* settled = take_settler()) {
    runnable_now(*settled, sched::runnable(settled->body));
    return true;
  }
  const bool is_left_behind = first_has_ended();
  if (!is_left_behind && advance()) return true;
  abandon();
  {
    std::lock_guard hold(failure_lock_);
    report_ += is_left_behind ? "testing::bubble: its function has returned, but goroutines are still blocked:\n"
                              : "testing::bubble: all goroutines are asleep and no timer is pending - deadlock!\n";
  }
  finish();
  return false;
}

void bubble_world::escaped(sched::member& thrower, std::exception_ptr thrown) {
  auto& who = static_cast<inhabitant&>(thrower);
  std::lock_guard hold(failure_lock_);
  if (who.number == 1) {
    thrown_by_first_ = std::move(thrown);
  } else {
    report_ += "testing::bubble: exception left a goroutine: " + describe(thrown) + "\n" + paragraph(who, now_ns());
  }
}

void bubble_world::finish() { sched::ready(caller_); }

std::exception_ptr bubble_world::run(callable body) {
  caller_ = sched::self();
  inhabitant& first = enrol_first("bubble", body.site);
  sched::begin_world();
  sched::spawn_first(first, detail::make_newborn([body] {
                     body.call(body.function);
                   }), body.site);
  sched::park(sched::wait_reason::bubble, this);
  hear_all();
  sched::end_world(is_abandoned());
  if (thrown_by_first_) return thrown_by_first_;
  if (is_abandoned()) report_ += describe_members();  // not before: the stack of who noticed may be a small one
  return report_.empty() ? nullptr : std::make_exception_ptr(failure(report_));
}

namespace impl {

[[gnu::noinline]] void run_bubble(void (*call)(void*), void* function) {
  const void* site = __builtin_return_address(0);
  if (sched::this_member()) throw misuse("testing::bubble inside a bubble or an exploration");
  auto world = std::make_unique<bubble_world>();
  std::exception_ptr wrong = world->run({call, function, site});
  if (world->is_abandoned()) world.release()->become_reachable();  // V2
  if (wrong) std::rethrow_exception(wrong);
}

}  // namespace impl

namespace {

inhabitant& require_member(const char* function) {
  if (inhabitant* who = this_inhabitant()) return *who;
  throw misuse(std::string(function) + " outside of a bubble and of an exploration");
}

}  // namespace

void settle() {
  inhabitant& who = require_member("testing::settle");
  world_of(who).settle(who);
}

outside::outside() {
  sched::member& who = require_member("testing::outside");
  who.home.waits_outside(who, true);
}

outside::~outside() {
  sched::member* who = sched::this_member();
  who->home.waits_outside(*who, false);
}



}  // namespace weft::testing
