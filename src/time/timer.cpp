// timer, ticker and after_func: counted cores around a scheduler timer, one kind with a channel and one with a function.
//
//   TM1  Arming, re-arming and what a channel timer's firing does to its channel happen under `lock`, and so does disarming
//        but for TM5. stop and reset that find the timer firing let go of the lock and wait for the end of it.
//   TM2  stop and reset empty the channel under `lock`: once they have returned, no value of an earlier setting is
//        received. A value that nobody had received counts as not fired, as in Go since 1.23.
//   TM3  A channel core is counted by its channel: handles and receivers hold one reference each. A function core counts
//        handles, and one for being armed; when it fires, that one goes to the goroutine that runs the function. When the
//        last goes the timer is stopped: nobody could see it fire.
//   TM4  Firing touches a core for the last time with done_firing(), after the channel has its value: whoever received that
//        may be freeing the core. A ticker that fires arms itself again, after which done_firing() says nothing; its last
//        touch is to let go of `lock`, so who frees a ticker takes that first. Of a function's core the firing holds the
//        reference of TM3.
//   TM5  Most timers are stopped while armed. Taking one out of the wheel is stop's whole work then, as an armed timer that
//        is no ticker has nothing in its channel (TM2), so stop does without `lock`: who takes it out is one only, and a
//        reset meanwhile comes before or after.
// A function core is one block, closure included: a million of them are a matter of cache misses (docs/design/timers.md).
#include <weft/time.h>

#include <algorithm>

#include <weft/error.h>

#include "base/pause.h"
#include "base/race.h"
#include "chan/channel.h"
#include "sched/due_calls.h"
#include "sched/idle.h"
#include "sched/newborn.h"
#include "sched/runtime.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"
#include "sched/timers.h"

namespace weft {

namespace detail {

struct timer_core : sched::timer {
  enum class role : std::uint8_t { once, ticker, function };
  timer_core(role is, const timer_kind& of) noexcept : timer(of), what(is) {}

  void note_arming() noexcept;
  void arm_locked(std::int64_t due_ns) noexcept;
  bool disarm_locked(bool& had_not_fired) noexcept;  // false: it is firing, try again without the lock

  const role what;
  base::spinlock lock{base::lock_rank::timer_handle};
};

namespace {

struct channel_core;

struct counted_channel : channel {
  counted_channel(channel_core& core, std::byte* storage) noexcept
      : channel(1, element_type_of<clock::time_point>, storage), owner(core) {}
  channel_core& owner;
};

struct channel_core : timer_core {
  explicit channel_core(clock::duration period) noexcept
      : timer_core(period.count() != 0 ? role::ticker : role::once, sched::timer_kind_of<fire_it>),
        period_ns(period.count()),
        ch(*this, slot) {
    ch.on_last_release = [](channel* last) noexcept { unmake(static_cast<counted_channel*>(last)->owner); };
  }
  ~channel_core();  // TM4
  static channel_core& make(clock::duration period);
  static void unmake(channel_core& core) noexcept;
  static void fire_it(sched::timer_node* node);

  std::int64_t period_ns;  // guarded by lock; 0: once
  alignas(clock::time_point) std::byte slot[sizeof(clock::time_point)];
  counted_channel ch;
};

struct function_core : timer_core {
  explicit function_core(const timer_function& f) noexcept : timer_core(role::function, f) { needs_more = true; }
  [[nodiscard]] const timer_function& type() const noexcept { return static_cast<const timer_function&>(*kind); }

  base::atomic<std::uint32_t> references{2};  // of the handle and of being armed
};
static_assert(sizeof(function_core) <= timer_closure_offset);

// As short-lived as a time-out: from the processor's blocks.
static_assert(alignof(channel_core) <= 16);
constexpr int channel_core_class = block_class_for(sizeof(channel_core));
channel_core& channel_core::make(clock::duration period) {
  return *::new (sched::allocate_block(channel_core_class, sizeof(channel_core))) channel_core(period);
}
void channel_core::unmake(channel_core& core) noexcept {
  core.~channel_core();
  sched::free_block(&core, channel_core_class);
}

channel_core& with_channel(timer_core& core) noexcept { return static_cast<channel_core&>(core); }
function_core& with_function(timer_core& core) noexcept { return static_cast<function_core&>(core); }

void release_function(function_core& core) noexcept {
  // The last reference is nobody else's to copy: no read-modify-write then. acquire: pairs with the others' releases.
  base::race::release(&core.references);
  if (core.references.load(base::acquire) != 1 && core.references.fetch_sub(1, base::acq_rel) != 1) return;
  base::race::acquire(&core.references);
  sched::stop_timer(core);
  core.type().destroy(timer_closure(&core));
  timer_unmake_function(&core);
}

}  // namespace

void channel_core::fire_it(sched::timer_node* node) {
  auto& self = static_cast<channel_core&>(*node);
  clock::time_point now{clock::duration(sched::now_ns())};
  const bool is_ticker = self.what == role::ticker;
  std::int64_t next_ns = 0;
  waiter* receiver;
  {
    base::locked hold(self.lock);
    if (is_ticker) {
      next_ns = self.when_ns + self.period_ns;  // late ticks do not shift the later ones; missed ones are skipped
      const std::int64_t late = now.time_since_epoch().count() - next_ns;
      if (late >= 0) next_ns += (late / self.period_ns + 1) * self.period_ns;
      sched::done_firing(self);
      sched::arm_timer(self, next_ns);
    }
    receiver = channel_offer(self.ch, &now);
  }
  if (!is_ticker) sched::done_firing(self);
  if (next_ns != 0) sched::timer_armed(next_ns);
  if (receiver) sched::ready(receiver->who);
}

// For the race detector: arming comes before what is fired.
void timer_core::note_arming() noexcept {
  base::race::release(this);
  if (what != role::function) base::race::release(static_cast<channel*>(&with_channel(*this).ch));
}

void timer_core::arm_locked(std::int64_t due_ns) noexcept {
  note_arming();
  if (what == role::function) with_function(*this).references.fetch_add(1, base::relaxed);
  sched::arm_timer(*this, due_ns);
}

bool timer_core::disarm_locked(bool& had_not_fired) noexcept {
  clock::time_point unseen;
  switch (phase.load(base::acquire)) {
    case state::firing: return false;
    case state::armed:
      if (!home.load(base::acquire)->disarm(*this)) return false;
      if (what == role::function) with_function(*this).references.fetch_sub(1, base::relaxed);  // the caller has another
      else if (what == role::ticker) channel_take(&with_channel(*this).ch, &unseen);  // TM2: unread, while the next is armed
      had_not_fired = true;
      return true;
    case state::idle: break;
  }
  had_not_fired = what != role::function && channel_take(&with_channel(*this).ch, &unseen);  // TM2
  return true;
}

namespace {

std::int64_t due_in(clock::duration delay) noexcept { return sched::due_in(std::max<std::int64_t>(delay.count(), 0)); }

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

channel_core::~channel_core() {
  if (what == role::ticker) disarm_and(*this, [] {});
  else sched::stop_timer(*this);
}

// The core is new: until it is armed nobody else knows it, so TM1's lock is not needed.
void start_core(timer_core& core, clock::duration delay) {
  sched::ensure_started();
  const std::int64_t due = due_in(delay);
  sched::worker* const w = sched::this_worker();
  sched::processor* const p = sched::is_usual() && w ? sched::try_enter(*w) : nullptr;
  if (p) [[likely]] {
    p->timers.arm(core, due);
    sched::leave(*w);
  } else {
    core.note_arming();
    sched::arm_timer(core, due);
  }
  sched::timer_armed(due);
}

// TM5.
bool disarm_at_once(timer_core& core) noexcept {
  if (core.what == timer_core::role::ticker || core.phase.load(base::acquire) != timer_core::state::armed) return false;
  return core.home.load(base::acquire)->disarm(core);
}

}  // namespace

timer_core* timer_make_channel(clock::duration delay, clock::duration period) {
  sched::point("timer start");
  channel_core& core = channel_core::make(period);
  start_core(core, delay);
  return &core;
}

timer_core* timer_make_function(const timer_function& type) {
  sched::point("timer start");
  return ::new (sched::allocate_block(type.block_class, type.bytes)) function_core(type);
}

void timer_fire_function(sched::timer_node* node) {
  auto& self = static_cast<function_core&>(*node);
  base::race::acquire(&self);
  sched::done_firing(self);  // before the goroutine can give the last reference back
  sched::start_due_call(self.type().call, &self);
}

void timer_unmake_function(timer_core* core) noexcept {
  const int block_class = with_function(*core).type().block_class;
  with_function(*core).~function_core();
  sched::free_block(core, block_class);
}

void timer_start_function(timer_core* core, clock::duration delay) { start_core(*core, delay); }

void timer_release(timer_core* core) noexcept {
  if (core->what == timer_core::role::function) release_function(with_function(*core));
  else channel_release(&with_channel(*core).ch);
}
channel* timer_channel(timer_core* core) noexcept {
  return core->what == timer_core::role::function ? nullptr : &with_channel(*core).ch;
}

bool timer_stop(timer_core* core) noexcept {
  sched::point("timer stop");
  if (disarm_at_once(*core)) [[likely]] {
    if (core->what == timer_core::role::function) with_function(*core).references.fetch_sub(1, base::relaxed);
    return true;
  }
  return disarm_and(*core, [] {});
}

bool timer_reset(timer_core* core, clock::duration delay, clock::duration period) {
  sched::point("timer reset");
  const std::int64_t due = due_in(delay);
  const bool had_not_fired = disarm_and(*core, [&] {
    if (core->what != timer_core::role::function) with_channel(*core).period_ns = period.count();
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
