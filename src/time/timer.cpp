// timer, ticker and after_func: one counted core around a scheduler timer.
//
//   TM1  Arming, disarming, re-arming and what a channel timer's firing does to its channel happen under `lock`. stop and
//        reset that find the timer firing let go of the lock and wait for the end of it.
//   TM2  stop and reset empty the channel under `lock`: once they have returned, no value of an earlier setting is
//        received. A value that nobody had received counts as not fired, as in Go since 1.23.
//   TM3  The core is counted by its channel: handles and receivers hold one reference each, an armed after_func holds one.
//        When the last goes the timer is stopped: nobody could see it fire.
//   TM4  Firing touches a channel timer's core only under `lock` and before done_firing(), an after_func's only while it
//        holds the reference of TM3.
#include <weft/time.h>

#include <limits>

#include <weft/error.h>

#include "base/pause.h"
#include "chan/channel.h"
#include "sched/idle.h"
#include "sched/runtime.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/timers.h"

namespace weft {

namespace detail {

struct counted_channel : channel {
  explicit counted_channel(timer_core& core, std::byte* storage) noexcept
      : channel(1, element_type_of<clock::time_point>, storage), owner(core) {}
  timer_core& owner;
};

struct timer_core : sched::timer {
  timer_core() noexcept : timer(fire_it), ch(*this, slot) {
    ch.on_last_release = [](channel* last) noexcept { delete &static_cast<counted_channel*>(last)->owner; };
  }
  ~timer_core() {
    sched::stop_timer(*this);
    if (destroy) destroy(function);
  }

  static void fire_it(sched::timer_node* node) {
    auto& self = static_cast<timer_core&>(*node);
    if (self.start) self.fire_function();
    else self.fire_channel();
  }
  void fire_channel();
  void fire_function();
  void arm_locked(std::int64_t due_ns) noexcept;
  bool disarm_locked(bool& had_not_fired) noexcept;  // false: it is firing, try again without the lock

  base::spinlock lock{base::lock_rank::timer_handle};
  std::int64_t period_ns = 0;                     // guarded by lock; 0: once
  void (*start)(void*) = nullptr;                 // after_func: starts the goroutine
  void (*destroy)(void*) noexcept = nullptr;
  void* function = nullptr;
  alignas(clock::time_point) std::byte slot[sizeof(clock::time_point)];
  counted_channel ch;
};

void timer_core::fire_channel() {
  clock::time_point now{clock::duration(sched::now_ns())};
  std::int64_t next_ns = 0;
  waiter* receiver;
  {
    base::locked hold(lock);
    sched::done_firing(*this);
    if (period_ns != 0) {
      next_ns = when_ns + period_ns;  // late ticks do not shift the later ones; missed ones are skipped
      const std::int64_t late = now.time_since_epoch().count() - next_ns;
      if (late >= 0) next_ns += (late / period_ns + 1) * period_ns;
      sched::arm_timer(*this, next_ns);
    }
    receiver = channel_offer(ch, &now);
  }
  if (next_ns != 0) sched::timer_armed(next_ns);
  if (receiver) sched::ready(receiver->who);
}

void timer_core::fire_function() {
  start(function);
  sched::done_firing(*this);
  channel_release(&ch);  // TM3
}

void timer_core::arm_locked(std::int64_t due_ns) noexcept {
  if (start) channel_retain(&ch);
  sched::arm_timer(*this, due_ns);
}

bool timer_core::disarm_locked(bool& had_not_fired) noexcept {
  clock::time_point unseen;
  switch (phase.load(base::acquire)) {
    case state::firing: return false;
    case state::armed:
      if (!home.load(base::acquire)->disarm(*this)) return false;
      if (start) channel_release(&ch);  // not the last: the caller has one
      else if (period_ns != 0) channel_take(&ch, &unseen);  // TM2: an unread tick, while the next is armed
      had_not_fired = true;
      return true;
    case state::idle: break;
  }
  had_not_fired = !start && channel_take(&ch, &unseen);  // TM2
  return true;
}

namespace {

std::int64_t due_in(clock::duration delay) noexcept {
  std::int64_t due;
  const std::int64_t wait = delay.count() > 0 ? delay.count() : 0;
  if (__builtin_add_overflow(sched::now_ns(), wait, &due)) return std::numeric_limits<std::int64_t>::max();
  return due;
}

// Runs `then` under the lock once the timer is neither armed nor firing; returns whether it had not fired.
template <class Then>
bool disarm_and(timer_core& core, Then&& then) {
  base::backoff spin;
  while (true) {
    {
      base::locked hold(core.lock);
      bool had_not_fired = false;
      if (core.disarm_locked(had_not_fired)) {
        then();
        return had_not_fired;
      }
    }
    spin.wait();
  }
}

// The core is new: until it is armed nobody else knows it, so TM1's lock is not needed.
void start_core(timer_core& core, clock::duration delay) {
  sched::ensure_started();
  const std::int64_t due = due_in(delay);
  core.arm_locked(due);
  sched::timer_armed(due);
}

}  // namespace

timer_core* timer_make_channel(clock::duration delay, clock::duration period) {
  sched::point("timer start");
  auto* core = new timer_core;
  core->period_ns = period.count();
  start_core(*core, delay);
  return core;
}

timer_core* timer_make_func(clock::duration delay, void (*start)(void*), void (*destroy)(void*) noexcept, void* function) {
  sched::point("timer start");
  auto* core = new timer_core;
  core->start = start;
  core->destroy = destroy;
  core->function = function;
  start_core(*core, delay);
  return core;
}

void timer_release(timer_core* core) noexcept { channel_release(&core->ch); }
channel* timer_channel(timer_core* core) noexcept { return core->start ? nullptr : &core->ch; }

bool timer_stop(timer_core* core) noexcept {
  sched::point("timer stop");
  return disarm_and(*core, [] {});
}

bool timer_reset(timer_core* core, clock::duration delay, clock::duration period) {
  sched::point("timer reset");
  const std::int64_t due = due_in(delay);
  const bool had_not_fired = disarm_and(*core, [&] {
    core->period_ns = period.count();
    core->arm_locked(due);
  });
  sched::timer_armed(due);
  return had_not_fired;
}

}  // namespace detail

namespace {

clock::duration positive(clock::duration period) {
  if (period.count() <= 0) throw misuse("ticker: the period must be positive");
  return period;
}

}  // namespace

ticker::ticker(clock::duration period) : core_(detail::timer_make_channel(positive(period), period)) {}

void ticker::reset(clock::duration period) { detail::timer_reset(core_.get(), positive(period), period); }

}  // namespace weft
