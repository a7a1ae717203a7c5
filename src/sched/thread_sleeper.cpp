#include "sched/thread_sleeper.h"

#include "os/clock.h"
#include "os/futex.h"
#include "sched/monitor.h"

namespace weft::sched {
namespace {

constinit thread_local thread_sleeper own_sleeper;
base::atomic<std::uint32_t> parked{0};

void note_park(thread_sleeper& me, wait_reason reason, const void* object) noexcept {
  me.object.store(object, base::relaxed);
  me.since_ns.store(os::monotonic_ns(), base::relaxed);
  me.reason.store(reason, base::relaxed);
}

}  // namespace

std::uint32_t parked_threads() noexcept { return parked.load(base::acquire); }

[[gnu::noinline]] thread_sleeper& this_thread_sleeper() noexcept { return own_sleeper; }

void park_thread(wait_reason reason, const void* object) {
  thread_sleeper& me = this_thread_sleeper();
  note_park(me, reason, object);
  for (int spins = 0; spins < 200 && me.permit.load(base::acquire) == 0; ++spins) base::pause();
  if (me.permit.load(base::acquire) == 0) {
    parked.fetch_add(1, base::seq_cst);
    monitor_notice_parked_thread();
    while (me.permit.load(base::acquire) == 0) os::futex_wait(me.permit, 0, os::no_deadline);
    parked.fetch_sub(1, base::seq_cst);
  }
  me.permit.store(0, base::relaxed);
  me.reason.store(wait_reason::none, base::relaxed);
}

bool park_thread_until(std::int64_t deadline_ns, wait_reason reason, const void* object) {
  thread_sleeper& me = this_thread_sleeper();
  note_park(me, reason, object);
  bool woken;
  while (!(woken = me.permit.load(base::acquire) != 0) && os::monotonic_ns() < deadline_ns)
    os::futex_wait(me.permit, 0, deadline_ns);
  if (woken) me.permit.store(0, base::relaxed);
  me.reason.store(wait_reason::none, base::relaxed);
  return woken;
}

void ready_thread(thread_sleeper& who) noexcept {
  // After the store the thread may run on and end: the wake is then for nobody, which futex_wake allows.
  who.permit.store(1, base::release);
  os::futex_wake(who.permit, 1);
}

}  // namespace weft::sched
