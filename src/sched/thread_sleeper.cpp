// A plain thread that parks: one permit, handed over by a futex. Checked by tests/model/park_model.cpp.
#include "sched/thread_sleeper.h"

#include "os/clock.h"
#include "os/futex.h"
#include "sched/known_threads.h"
#include "sched/monitor.h"
#include "sched/runtime.h"

namespace weft::sched {
namespace {

constinit thread_local thread_sleeper own_sleeper;
// Lower half: how many; upper half: how often that changed. One word, so that one step does both.
base::atomic<std::uint64_t> parked{0};
constexpr std::uint64_t one_change = std::uint64_t{1} << 32;

// The states of a permit. The waker takes a counted sleeper out of `parked`, not the sleeper itself, which may get a
// CPU much later: a thread that was made ready is never taken for one that waits for ever.
enum : std::uint32_t { no_permit, permit, counted };

[[gnu::always_inline]] inline void note_park(thread_sleeper& me, wait_reason reason, const void* object) noexcept {
  if (me.thread == 0) list_thread(me);
  me.frame.store(__builtin_frame_address(0), base::relaxed);
  me.object.store(object, base::relaxed);
  me.since_ns.store(os::monotonic_ns(), base::relaxed);
  me.reason.store(reason, base::release);  // pairs with park_of()
}

// The reason goes before the permit: a thread that runs must never look as if it waited without one.
[[gnu::always_inline]] inline void note_resumed(thread_sleeper& me) noexcept {
  me.reason.store(wait_reason::none, base::relaxed);
  me.permit.store(no_permit, base::release);
}

}  // namespace

std::uint32_t parked_threads() noexcept { return static_cast<std::uint32_t>(parked.load(base::acquire)); }
std::uint64_t parked_threads_version() noexcept { return parked.load(base::seq_cst); }

[[gnu::noinline]] thread_sleeper& this_thread_sleeper() noexcept { return own_sleeper; }

park_kind park_of(const thread_sleeper& who) noexcept {
  if (who.reason.load(base::acquire) == wait_reason::none) return park_kind::none;
  const std::uint32_t state = who.permit.load(base::acquire);
  if (who.reason.load(base::relaxed) == wait_reason::none) return park_kind::none;  // between the two it was resumed
  return state == permit ? park_kind::none : state == counted ? park_kind::for_good : park_kind::with_deadline;
}

void park_thread(wait_reason reason, const void* object) {
  ensure_started();  // the monitor reports a deadlock also where no goroutine was ever started
  thread_sleeper& me = this_thread_sleeper();
  note_park(me, reason, object);
  for (int spins = 0; spins < 200 && me.permit.load(base::acquire) == no_permit; ++spins) base::pause();
  std::uint32_t nothing = no_permit;
  if (me.permit.compare_exchange_strong(nothing, counted, base::seq_cst, base::acquire)) {
    // Counted after the word says so, never before: a thread that has its permit must not look parked, or a deadlock is
    // reported while it only waits for a CPU. The waker may subtract first; a count too low reports nothing.
    parked.fetch_add(one_change + 1, base::seq_cst);
    monitor_notice_parked_thread();
    while (me.permit.load(base::acquire) == counted) os::futex_wait(me.permit, counted, os::no_deadline);
  }
  note_resumed(me);
}

bool park_thread_until(std::int64_t deadline_ns, wait_reason reason, const void* object) {
  thread_sleeper& me = this_thread_sleeper();
  note_park(me, reason, object);
  bool woken;
  while (!(woken = me.permit.load(base::acquire) != no_permit) && os::monotonic_ns() < deadline_ns)
    os::futex_wait(me.permit, no_permit, deadline_ns);
  if (woken) note_resumed(me);
  else me.reason.store(wait_reason::none, base::relaxed);
  return woken;
}

void ready_thread(thread_sleeper& who) noexcept {
  // After the store the thread may run on and end: the wake is then for nobody, which futex_wake allows.
  if (who.permit.exchange(permit, base::acq_rel) == counted) parked.fetch_add(one_change - 1, base::seq_cst);
  os::futex_wake(who.permit, 1);
}

}  // namespace weft::sched
