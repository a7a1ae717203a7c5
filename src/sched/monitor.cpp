// The monitor watches the processors and takes one away when its worker sits in a goroutine's own code while others wait.
//
// C++ code may hold a lock, be in malloc or block in the kernel, so a goroutine is never moved against its will. Instead
// its processor goes to another worker; the old worker runs on as a plain kernel thread, and queues for a processor when
// its goroutine next enters the runtime (worker.h tells how the two agree). One mechanism covers endless loops, undeclared
// blocking system calls and C libraries, without a signal.
//
//   M1  A processor is taken only if something waits that no idle processor could take: work in its queues, the inject
//       queue or another queue, or a due timer that nobody looks at.
//   M2  It is taken when its worker has made no scheduling decision for slice_ns, or for two looks if the kernel says
//       the thread used no CPU between them: it is blocked.
//   M3  The monitor looks every longest_look_ns while any processor is held; after a retake every shortest_look_ns, then
//       ever slower: a program that blocks a thousand times gets a thousand quick retakes. While work waits beside an idle
//       processor it looks every watchful_look_ns, and wakes a searcher when a look finds no decision since the last one.
//       Likewise while a processor owes a watcher (idle.h, P4): it pays when a timer is late_ns overdue, or nobody has
//       looked at the poller for watchful_look_ns. The first look at such a debt comes after longest_look_ns at the latest.
//   M4  With every processor idle for settle_ns the monitor gives memory back, looks for a deadlock, and sleeps for good:
//       idle costs nothing.
//   M5  While all processors are busy nobody sleeps for their timers: they look when their duties are due (loop.cpp, L3), and when the
//       monitor, which naps no longer than until the earliest timer, tells them to. The monitor looks at the poller
//       itself when none of them has for polled_lately_ns: so what is ready queues within 4.5 ms, and takes a processor
//       from a loop by M1 and M2. Not more often, as what it finds goes through the inject queue: behind what the
//       processors find themselves.
// Refused: signals (EINTR in the user's system calls, async-signal-safety); taking processors from loops when nobody waits
// (a compute-only program would queue for its processor at every channel operation).
// Retake and the sleep of M4 are checked by tests/model/monitor_model.cpp.
#include "sched/monitor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "base/assert.h"
#include "base/race.h"
#include "os/futex.h"
#include "os/process_threads.h"
#include "sched/deadlock.h"
#include "sched/errand.h"
#include "sched/idle.h"
#include "sched/poller.h"
#include "sched/procs.h"
#include "sched/runtime.h"
#include "sched/sched_trace.h"
#include "sched/seam.h"
#include "sched/sharing.h"
#include "sched/thread_sleeper.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t slice_ns = 10 * ms;
constexpr std::int64_t longest_look_ns = 5 * ms / 2;
constexpr std::int64_t watchful_look_ns = ms / 2;
constexpr std::int64_t shortest_look_ns = ms / 10;
constexpr std::int64_t shortest_nap_ns = ms / 20;
constexpr std::int64_t polled_lately_ns = 2 * ms;
constexpr std::int64_t late_ns = ms / 10;  // of a timer that whoever owes a watcher should have fired
constexpr std::int64_t settle_ns = 20 * ms;
constexpr std::int64_t trim_every_ns = 1000 * ms;
constexpr std::int64_t resize_every_ns = 1000 * ms;

base::atomic<std::uint32_t> alarm{0};      // futex; 1: look again
base::atomic<bool> is_asleep{false};
base::atomic<std::int64_t> nap_until{0};   // 0: awake

// Does anything wait for a processor that is not going to get one (M1)?
bool somebody_waits(processor& p, std::int64_t now) noexcept {
  if (p.has_work() || the.injected.load(base::acquire) != 0 || p.attention.load(base::relaxed) & attention_retire) return true;
  if (the.idle_processors.load(base::acquire) != 0) return false;
  bool waits = false;
  for_each_processor([&](processor& other) { waits |= other.timers.due(now) || other.queue.size() + other.shared.size() > 1; });
  return waits;
}

// Takes the processor from its worker, which goes on without it. False: the worker is inside the runtime.
bool retake(processor& p) {
  worker* w = p.holder.load(base::acquire);
  if (!w) return false;
  bool taken = false;
  seize(*w, [&](worker& stuck) {
    if (stuck.held != &p || !stuck.current) return seizure::none;
    trace::emit(trace::event::retake, static_cast<std::uint64_t>(p.index), stuck.current->id);
    os::set_batch(stuck.tid, true);  // no wake-up preemption for a loop; undone when it gets a processor again
    if (stuck.current->born_into) p.births.hand_out(1);  // AC4
    stuck.held = nullptr;
    stuck.detached.store(true, base::relaxed);
    taken = true;
    return seizure::detached;
  });
  if (!taken) return false;
  the.retakes.add_owned(1);
  the.searching.fetch_add(1, base::acq_rel);
  the.hungry.fetch_add(1, base::acq_rel);
  hand_over(&p);
  return true;
}

bool is_blocked(processor& p) noexcept {
  worker* w = p.holder.load(base::acquire);
  if (!w) return false;
  const std::int64_t cpu = os::thread_cpu_ns(w->tid);
  const bool stands_still = cpu >= 0 && cpu == p.seen_cpu_ns;
  p.seen_cpu_ns = cpu;
  return stands_still && os::thread_stat_state(w->tid) != 'R';  // not merely waiting for a CPU
}

// One look at one held processor. True: it was taken.
bool look_at(processor& p, std::int64_t now) {
  if (p.timers.due(now)) p.attention.fetch_or(attention_duties, base::relaxed);
  const std::uint32_t tick = p.tick.load(base::relaxed), queue_tick = p.queue_tick.load(base::relaxed);
  if (queue_tick != p.seen_queue_tick || p.queue.empty()) {
    p.seen_queue_tick = queue_tick;
    p.seen_queue_since_ns = now;
  } else if (now - p.seen_queue_since_ns >= slice_ns) {
    p.attention.fetch_or(attention_slice | attention_duties, base::relaxed);
  }
  if (const std::uint32_t duties_at = p.duties_at.load(base::relaxed); duties_at != p.seen_duties_at)
    p.seen_duties_at = duties_at;
  else if (tick != p.seen_tick)
    p.attention.fetch_or(attention_duties, base::relaxed);  // loop.cpp, L3
  if (tick != p.seen_tick) {
    p.seen_tick = tick;
    p.seen_since_ns = now;
    p.seen_cpu_ns = -1;
    return false;
  }
  if (!somebody_waits(p, now)) {
    p.seen_cpu_ns = -1;
    return false;
  }
  if (the.idle_processors.load(base::acquire) != 0 && !(p.attention.load(base::relaxed) & attention_retire)) {
    if (now - p.seen_since_ns >= slice_ns) p.quiet_until_ns.store(0, base::relaxed);  // sharing.h, S6
    if (!is_quiet(p, now)) wake_one();  // a searcher can take the waiting work without the processor
    return false;
  }
  const bool blocked = is_blocked(p);
  if (now - p.seen_since_ns < slice_ns && !blocked) return false;
  return retake(p);
}

struct round {
  bool anybody_busy = false;
  bool somebody_waits = false;  // although a processor is idle
  bool took_one = false;
};

round look_around(std::int64_t now) {
  round seen;
  for_each_processor([&](processor& p) {
    if (!p.holder.load(base::acquire)) return;
    seen.anybody_busy = true;
    seen.somebody_waits |= p.has_work() && the.idle_processors.load(base::relaxed) != 0;
    seen.took_one |= look_at(p, now);
  });
  return seen;
}

// M5
bool somebody_polls(std::int64_t now, std::int64_t lately_ns) noexcept {
  bool seen = false;
  for_each_processor([&](processor& p) { seen |= now - p.polled_ns.load(base::relaxed) < lately_ns; });
  return seen;
}

// idle.h, P4: nobody watches although a processor is idle.
bool is_watcher_owed() noexcept { return the.idle_processors.load(base::acquire) != 0 && is_unwatched(); }
// If whoever owes it is late. watch.h, G3.
void pay_for_watcher(std::int64_t now) {
  const bool is_late = earliest_timer() <= now - (timers_are_dense() ? gather_ns : late_ns);
  if (is_late || (current_poller().armed() && !somebody_polls(now, watchful_look_ns))) ensure_watched();
}

// Idle processors keep nothing: the monitor borrows them one by one, as a worker would.
void flush_idle_caches() {
  processor* flushed[max_processors];
  int count = 0;
  while (processor* p = take_idle()) {
    p->stacks.flush();
    p->newborns.flush();
    p->queue.shrink();
    flushed[count++] = p;
  }
  while (count > 0) put_idle(flushed[--count]);
  os::heavy_fence();  // P3: while they were in our hands a waker found none
  if (work_is_visible()) wake_one();
  ensure_watched();
}

void sleep_until_noticed(std::int64_t deadline_ns) noexcept {
  is_asleep.store(true, base::seq_cst);
  os::heavy_fence();  // pairs with monitor_notice_work(): its processor, or our sleep
  bool busy = false;
  for_each_processor([&](processor& p) { busy |= p.holder.load(base::acquire) != nullptr; });
  if (!busy && alarm.load(base::acquire) == 0 && !errand_is_posted()) os::futex_wait(alarm, 0, deadline_ns);
  is_asleep.store(false, base::seq_cst);
  alarm.exchange(0, base::acquire);  // acquire: what it was rung for is seen
}

// M5. Until the next look, or until a timer is due that no watcher sleeps for; a short nap where timers are dense (watch.h, G3)
// just until the next look: the fence would interrupt every processor.
void nap(std::int64_t now_ns, std::int64_t look_ns) noexcept {
  std::int64_t until = now_ns + look_ns;
  if (look_ns > gather_look_ns || !timers_are_dense()) {
    nap_until.store(until, base::seq_cst);
    os::heavy_fence();  // pairs with monitor_notice_timer(): its timer, or our nap
    if (!the.watcher.load(base::acquire))
      if (const std::int64_t due = earliest_timer(); due > now_ns && !timers_are_dense())  // it may be wheel::never
        until = std::clamp(std::min(due, until) + (is_watcher_owed() ? late_ns : 0), now_ns + shortest_nap_ns, until);
    nap_until.store(until, base::relaxed);
  }
  os::futex_wait(alarm, 0, until);
  nap_until.store(0, base::relaxed);
  alarm.exchange(0, base::acquire);  // acquire: what it was rung for is seen
}

[[noreturn]] void* watch_for_ever(void*) {
  base::race::mute_this_thread();
  std::int64_t look_ns = longest_look_ns, quiet_since = 0, trimmed_at = 0, resized_at = 0;
  bool knows_cycles = false;
  while (true) {
    run_errand();
    const std::int64_t now = os::monotonic_ns();
    the.coarse_now.store(now, base::relaxed);
    if (!knows_cycles) knows_cycles = deadline_clock::measure();
    const std::int64_t trace_due = trace_schedule(now);
    const round seen = look_around(now);
    if (now - resized_at >= resize_every_ns) {
      resized_at = now;
      follow_cpu_limits();
    }
    if (seen.anybody_busy) {
      if (!the.watcher.load(base::acquire) && current_poller().armed() && !somebody_polls(now, polled_lately_ns))
        inject_ready(current_poller().poll());
      const bool owed = is_watcher_owed();
      if (owed) pay_for_watcher(now);
      quiet_since = 0;
      look_ns = seen.took_one ? shortest_look_ns : std::min(look_ns + look_ns / 4, longest_look_ns);
      if (seen.somebody_waits) look_ns = std::min(look_ns, watchful_look_ns);
      else if (timers_are_dense()) look_ns = std::min(look_ns, gather_look_ns);
      else if (owed) look_ns = std::min(look_ns, watchful_look_ns);
      if (now - trimmed_at >= trim_every_ns) {
        trimmed_at = now;
        stack::trim(false);
      }
      nap(now, look_ns);
      continue;
    }
    if (quiet_since == 0) quiet_since = now;
    if (now - quiet_since < settle_ns) {
      nap(now, longest_look_ns);
      continue;
    }
    report_deadlock_if_any();
    if (now - quiet_since < 2 * settle_ns) {
      nap(now, settle_ns);
      continue;
    }
    if (quiet_since > trimmed_at) {
      flush_idle_caches();
      stack::trim(true);
      trimmed_at = os::monotonic_ns();
      continue;
    }
    // A thread that is not ours may end and leave everybody waiting: nothing tells, so look now and then.
    sleep_until_noticed(std::min(trace_due, parked_threads() != 0 ? now + 1000 * ms : os::no_deadline));
    resized_at = 0;
  }
}

}  // namespace

void start_monitor() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 2048 * 1024);  // of address space: errands may need much
  sigset_t all, before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, fault);  // errand.h, E3
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, watch_for_ever, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failed) base::fatal("cannot start the monitor thread (error %d): raise the limit of threads (ulimit -u, pids.max)", failed);
  pthread_setname_np(thread, "weft-monitor");
  pthread_detach(thread);
}

void monitor_notice_work() noexcept {
  os::light_fence();  // pairs with sleep_until_noticed()
  if (!is_asleep.load(base::relaxed)) [[likely]] return;
  alarm.store(1, base::release);
  os::futex_wake(alarm, 1);
}

void monitor_notice_timer(std::int64_t when_ns) noexcept {
  os::light_fence();  // pairs with nap()
  if (when_ns >= nap_until.load(base::relaxed) || timers_are_dense()) return;
  if (alarm.load(base::relaxed) != 0) return;  // it will look at all timers when it has a CPU
  alarm.store(1, base::release);
  os::futex_wake(alarm, 1);
}

void monitor_notice_errand() noexcept {
  alarm.store(1, base::release);  // pairs with the acquire of whoever resets it
  os::futex_wake(alarm, 1);
}

void monitor_notice_parked_thread() noexcept {
  base::thread_fence(base::seq_cst);
  if (!is_asleep.load(base::relaxed)) return;
  alarm.store(1, base::release);
  os::futex_wake(alarm, 1);
}

}  // namespace weft::sched
