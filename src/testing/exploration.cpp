#include "testing/exploration.h"

#include <algorithm>

#include <weft/detail/newborn.h>

#include "os/clock.h"
#include "sched/schedule.h"
#include "testing/report.h"

namespace weft::testing {
namespace {

enum : std::uint32_t { over = 1, too_slow = 2 };

[[noreturn]] void stay_for_ever() {
  while (true) sched::switch_out();
}

}  // namespace

exploration::exploration(const plan& p, schedule_limits limits)
    : virtual_world(true),
      limits_(limits),
      strategy_(make_strategy(p)),
      draws_(~p.seed),  // another stream than the strategy's
      log_("seed " + print(p)) {}

std::uint64_t exploration::random(std::uint64_t&) noexcept { return draws_.next(); }

// REQUIRES: lock_ held.
void exploration::make_ready(inhabitant& who) {
  who.state = inhabitant::phase::ready;
  ready_.push_back(&who);
}

// REQUIRES: lock_ held, somebody to choose from. The chosen one is the one that runs.
inhabitant* exploration::choose(decision_log::reason why, const char* what, std::uint32_t from, std::uint32_t current,
                                bool yields) {
  candidates_.clear();
  for (const inhabitant* who : ready_) candidates_.push_back(who->number);
  std::sort(candidates_.begin(), candidates_.end());
  const std::uint32_t number = strategy_->choose(candidates_, current, yields);
  if (current == 0 || candidates_.size() > 1) log_.choice(why, what, from, number, candidates_);
  const auto place = std::ranges::find(ready_, number, [](const inhabitant* who) { return who->number; });
  running_ = *place;
  ready_.erase(place);
  running_->state = inhabitant::phase::running;
  return running_;
}

// REQUIRES: lock_ held.
void exploration::fail(std::string what, listing then) {
  is_over_ = true;
  running_ = nullptr;
  failure_ = std::move(what);
  appended_ = then;
  abandon();
}

// REQUIRES: lock_ held. False: that was one too many, and it is over.
bool exploration::count_step() {
  if (++steps_ <= limits_.steps) return true;
  fail("no end after " + std::to_string(limits_.steps) + " steps - livelock, or a larger max_steps is needed:\n",
       listing::members);
  return false;
}

// Somebody to choose from, if need be by moving the clock. False: nobody, for now (somebody outside will go on) or for ever.
// REQUIRES: nobody runs.
bool exploration::find_somebody(guard& hold) {
  while (ready_.empty() && !is_over_) {
    if (outside_ != 0) return false;
    if (is_empty()) {
      is_over_ = true;
    } else if (inhabitant* settled = take_settler()) {
      settled->work = sched::runnable(settled->body);
      make_ready(*settled);
    } else if (first_has_ended()) {
      fail("its function has returned, but goroutines are still blocked:\n", listing::members);
    } else {
      is_advancing_ = true;
      hold.unlock();
      const bool has_fired = advance();
      hold.lock();
      is_advancing_ = false;
      if (has_fired) log_.clock(elapsed_ns());
      else if (ready_.empty() && !is_over_)
        fail("all goroutines are asleep and no timer is pending - deadlock!\n", listing::members);
    }
  }
  return !is_over_ && count_step();
}

// The one that ran has stopped, or nobody ran: the next one's turn.
void exploration::go_on(guard hold, decision_log::reason why, const char* what, std::uint32_t from) {
  const bool was_over = is_over_;
  running_ = nullptr;
  if (!was_over && find_somebody(hold)) {
    const sched::runnable work = choose(why, what, from, 0, false)->work;
    hold.unlock();
    return sched::enqueue(work);
  }
  const bool ends_here = is_over_ && !was_over;
  hold.unlock();
  if (ends_here) finish();  // *this may be gone
}

void exploration::runnable_now(sched::member& woken, sched::runnable work) {
  auto& who = static_cast<inhabitant&>(woken);
  guard hold(lock_);
  if (is_over_) return;
  if (who.state == inhabitant::phase::running || who.state == inhabitant::phase::ready) {
    who.has_permit = true;
    return;
  }
  if (who.state == inhabitant::phase::fresh) log_.start(who.number, who.started_by, who.name);
  if (who.is_outside) --outside_;
  who.is_outside = false;
  who.work = work;
  make_ready(who);
  if (!running_ && !is_advancing_) go_on(std::move(hold), decision_log::reason::outside, "", 0);
}

void exploration::parks(sched::member& parker, sched::wait_reason reason) {
  auto& who = static_cast<inhabitant&>(parker);
  who.body->since_ns.store(now_ns(), base::relaxed);
  tell();
  guard hold(lock_);
  if (is_over_) return;
  who.work = sched::runnable(who.body);
  if (who.has_permit) {
    who.has_permit = false;
    make_ready(who);
  } else {
    who.state = inhabitant::phase::parked;
    who.is_outside = !is_durable(reason);
    if (who.is_outside) ++outside_;
  }
  go_on(std::move(hold), decision_log::reason::park, sched::describe(reason), who.number);
}

void exploration::ends(sched::member& ender) {
  auto& who = static_cast<inhabitant&>(ender);
  tell();
  guard hold(lock_);
  who.state = inhabitant::phase::ended;
  note_end(who);
  if (!is_over_) go_on(std::move(hold), decision_log::reason::end, "", who.number);
}

void exploration::escaped(sched::member& thrower, std::exception_ptr thrown) {
  auto& who = static_cast<inhabitant&>(thrower);
  tell();
  {
    guard hold(lock_);
    if (is_over_) return;
    fail(who.number == 1 ? "exception left its function: " + describe(thrown) + "\n"
                         : "exception left a goroutine: " + describe(thrown) + "\n" + paragraph(who, now_ns()),
         listing::none);
    thrown_ = std::move(thrown);
  }
  finish();
}

void exploration::point(sched::member& at, const char* what, bool yields) {
  auto& who = static_cast<inhabitant&>(at);
  tell();
  guard hold(lock_);
  if (is_over_) {
    hold.unlock();
    stay_for_ever();
  }
  if (!count_step()) {
    hold.unlock();
    finish();
    stay_for_ever();
  }
  who.work = sched::runnable(who.body);
  make_ready(who);
  const inhabitant* chosen = choose(decision_log::reason::point, what, who.number, who.number, yields);
  if (chosen == &who) return;
  const sched::runnable work = chosen->work;
  hold.unlock();
  sched::enqueue(work);
  sched::switch_out();
}

void exploration::waits_outside(sched::member&, bool waits) noexcept {
  guard hold(lock_);
  if (waits) ++outside_;
  else --outside_;
}

// The caller may free the world as soon as it is awake.
void exploration::finish() {
  detail::sleeper* caller = caller_;
  std::uint32_t open = 0;
  if (claim_.compare_exchange_strong(open, over, base::acq_rel, base::relaxed)) sched::ready(caller);
}

std::optional<std::string> exploration::run(callable body) {
  caller_ = sched::self();
  inhabitant& first = enrol_first("explore", body.site);
  sched::begin_world();
  sched::explorations_alive.fetch_add(1, base::seq_cst);
  sched::spawn_first(first, detail::make_newborn([body] { body.call(body.function); }), body.site);
  const std::int64_t give_up_ns = os::monotonic_ns() + limits_.real_time.count();
  sched::park_until(give_up_ns, claim_, too_slow, sched::wait_reason::bubble, this);
  hear_all();
  if (claim_.load(base::acquire) == too_slow) {
    guard hold(lock_);
    const std::string who = running_ ? "goroutine " + std::to_string(running_->number) + " has not come to a point of weft"
                                     : "nothing from outside has come";
    fail(who + " for too long (time_limit), after " + std::to_string(steps_) + " steps:\n", listing::none);
    // It still counts as alive: whoever runs may come to a point yet, and is to stay there.
    return *failure_ + describe_members();
  }
  sched::explorations_alive.fetch_sub(1, base::seq_cst);
  sched::end_world(is_abandoned());
  if (appended_ == listing::members) *failure_ += describe_members();
  return failure_;
}

}  // namespace weft::testing
