// Starting and stopping the runtime, and weft::run.
//
// It starts on first use from any thread: settings, processors, monitor; workers start when there is something to run. It
// never ends: at exit the workers are told to stay asleep, before static destructors run, and the process takes them with
// it. exit() runs what was registered last first, so the stop is registered again whenever weft::run returns: it then
// comes before the destructors of every static made until then.
#include "sched/runtime.h"

#include <cstdlib>

#include <weft/runtime.h>

#include "arch/restartable.h"
#include "base/fatal.h"
#include "base/race.h"
#include "base/settings.h"
#include "base/spinlock.h"
#include "base/unusual.h"
#include "os/asymmetric_fence.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/process_threads.h"
#include "os/restartable.h"
#include "sched/birth.h"
#include "sched/debug_layout.h"
#include "sched/debug_modes.h"
#include "sched/dump.h"
#include "sched/idle.h"
#include "sched/monitor.h"
#include "sched/overflow.h"
#include "sched/procs.h"
#include "sched/schedule.h"
#include "stack/stack.h"

namespace weft::sched {

base::atomic<bool> started{false};
bool migrate_mode = false;

namespace {

base::atomic<std::uint32_t> external_sources{0};

// Whoever runs goroutines gets a moment to come to a scheduling point, where it stays. Code that does not come there
// cannot be stopped; it runs until the process is gone.
void stop_workers() {
  constexpr std::int64_t patience_ns = 10'000'000;
  if (the.stopping.exchange(true, base::seq_cst)) return;
  for_each_processor([](processor& p) { p.attention.fetch_or(attention_duties, base::relaxed); });
  const worker* me = this_worker();
  const std::int64_t give_up = os::monotonic_ns() + patience_ns;
  base::backoff spin;
  for_each_processor([&](processor& p) {
    for (const worker* w = p.holder.load(base::acquire); w && w != me && os::monotonic_ns() < give_up;
         w = p.holder.load(base::acquire))
      spin.wait();
  });
  show_stacks_to_leak_sanitizer();
}

// exit() keeps every registration for ever: a program that calls run a million times gets few.
void stop_before_later_statics() {
  constexpr std::uint32_t each_time = 64;
  static base::atomic<std::uint32_t> runs{0};
  const std::uint32_t run = runs.fetch_add(1, base::relaxed);
  if (run < each_time || run % 1024 == 0) std::atexit(stop_workers);
}

void start_once() {
  const base::setting_values& settings = base::settings();
  os::probe_membarrier();
  if (arch::has_restartable) os::probe_restartable();
  migrate_mode = settings.debug_migrate;
  if (migrate_mode) base::note_unusual(base::unusual_migration);
  stack::set_default_size(settings.stack_size * room_for_frames);
  open_to_debuggers(settings.debug_inspect);
  install_dump();
  install_full_dump();
  install_overflow_report();
  the.inject = new private_queue;
  the.coarse_now.store(os::monotonic_ns(), base::relaxed);
  create_processors(settings.procs);
  start_monitor();
  std::atexit(stop_workers);
}

}  // namespace

void start_runtime() {
  static base::atomic<std::uint32_t> phase{0};  // futex; 0: nobody, 1: somebody is at it, 2: done
  std::uint32_t nobody = 0;
  if (phase.compare_exchange_strong(nobody, 1, base::acq_rel, base::acquire)) {
    os::claim_process();
    os::keep_signal_mask();
    start_once();
    started.store(true, base::release);
    phase.store(2, base::release);
    os::futex_wake(phase, 1 << 30);
    return;
  }
  while (phase.load(base::acquire) != 2) os::futex_wait(phase, 1, os::no_deadline);
}

void external_source_add() noexcept { external_sources.fetch_add(1, base::relaxed); }
void external_source_remove() noexcept { external_sources.fetch_sub(1, base::relaxed); }
bool has_external_source() noexcept { return external_sources.load(base::relaxed) != 0; }

}  // namespace weft::sched

namespace weft {

std::size_t goroutines() { return sched::count_goroutines(); }
bool on_goroutine() { return sched::this_goroutine() != nullptr; }
std::uint64_t goroutine_id() {
  sched::goroutine* g = sched::this_goroutine();
  return g ? g->id : 0;
}

namespace detail {

void run_main(void (*call)(void*), void* argument, const run_options& options) {
  sched::ensure_started();
  if (options.procs > 0) set_procs(options.procs);
  if (options.stack_size > 0) stack::set_default_size(options.stack_size);
  sleeper* caller = sched::self();
  newborn* main = make_newborn([call, argument, caller] {
    call(argument);
    base::race::release(argument);
    sched::ready(caller);
  });
  spawn(main, "main", 0);
  sched::park(sched::wait_reason::run, nullptr);
  base::race::acquire(argument);
  sched::stop_before_later_statics();
}

}  // namespace detail
}  // namespace weft
