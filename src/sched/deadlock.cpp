// Deadlock: every goroutine is parked for ever, and so is every plain thread.
//
// Reported only on proof. All of these must hold, twice in a row with a pause between:
//   D1  no processor is held and no worker is outside the runtime: every worker sleeps in the idle list or waits for the
//       goroutine pinned to it, so nobody is in a blocking call, a loop or an undeclared system call;
//   D2  nothing is queued, no timer is armed, nobody waits for the poller, no external source (signals) either;
//   D3  every other thread of the process is the monitor or is parked in weft without a deadline. A thread that is not
//       ours could send at any time: the kernel's count of threads decides, and if it will not tell, nothing is reported;
//   D4  somebody waits: a goroutine is parked, or a plain thread is;
//   D5  between the two looks no plain thread parked or was made ready. Without it each count could come from another
//       moment: a thread wakes the last sleeper and ends after the sleepers were counted and before the threads are.
#include "sched/deadlock.h"

#include <unistd.h>

#include "base/fatal.h"
#include "os/end_process.h"
#include "os/process_threads.h"
#include "sched/birth.h"
#include "sched/dump.h"
#include "sched/idle.h"
#include "sched/poller.h"
#include "sched/runtime.h"
#include "sched/thread_sleeper.h"

namespace weft::sched {
namespace {

base::atomic<std::uint32_t> own_threads{1};  // the monitor

bool everybody_is_asleep() noexcept {
  std::uint32_t asleep = the.idle_workers.load(base::seq_cst);
  for (worker* w = the.all_workers.load(base::acquire); w; w = w->next_all)
    if (w->waits_pinned.load(base::acquire)) ++asleep;
  if (asleep != the.workers.load(base::seq_cst)) return false;
  if (the.idle_processors.load(base::seq_cst) != static_cast<std::uint32_t>(the.limit.load(base::seq_cst))) return false;
  bool busy = the.injected.load(base::acquire) != 0 || timers_pending() || current_poller().awaited() || has_external_source();
  for_each_processor([&](processor& p) { busy |= p.holder.load(base::acquire) != nullptr || p.has_work(); });
  if (busy) return false;
  const std::uint32_t parked = parked_threads();
  if (parked == 0) return false;  // also D4: a process whose threads have all ended is no more
  return os::thread_count() == static_cast<int>(the.workers.load(base::seq_cst) + parked + own_threads.load(base::relaxed));
}

}  // namespace

void note_own_thread() noexcept { own_threads.fetch_add(1, base::relaxed); }

void report_deadlock_if_any() {
  const std::uint64_t version = parked_threads_version();
  if (the.stopping.load(base::acquire) || !everybody_is_asleep()) return;
  ::usleep(2'000);
  os::heavy_fence();
  if (the.stopping.load(base::acquire) || !everybody_is_asleep() || parked_threads_version() != version) return;
  base::print_error("weft: fatal: all goroutines are asleep - deadlock!\n");
  dump_all_here({.why = dump_request::cause::deadlock, .who = nullptr, .frame = {}});
  base::print_error("\n%u plain threads are parked in weft too\n", parked_threads());
  os::end_process(2);
}

}  // namespace weft::sched
