// Changing the number of processors while they run. Nothing is stopped: a processor above the limit is retired by its
// holder at the next scheduling point, by the monitor if its holder is stuck, or here if it is idle. Its work goes to the
// inject queue, its timers to processor 0, which is never retired.
#include "sched/procs.h"

#include <algorithm>
#include <mutex>

#include <weft/runtime.h>

#include "base/settings.h"
#include "base/spinlock.h"
#include "os/cpu_count.h"
#include "sched/idle.h"
#include "sched/loop.h"
#include "sched/runtime.h"
#include "trace/trace.h"

namespace weft::sched {
namespace {

constinit std::mutex resize_lock;  // an ordinary one: processors are allocated under it
base::atomic<bool> fixed{false};
constinit const char* machine_root = "";

void retire_idle(int from) {
  // Borrow every idle processor, keep those above the limit.
  processor* keep = nullptr;
  while (processor* p = take_idle()) {
    if (p->index >= from) {
      retire(p);
    } else {
      p->next_idle = keep;
      keep = p;
    }
  }
  while (processor* p = keep) {
    keep = p->next_idle;
    put_idle(p);
  }
}

int resize(int wanted) {
  wanted = std::clamp(wanted, 1, max_processors);
  std::lock_guard hold(resize_lock);
  const int before = the.limit.exchange(wanted, base::acq_rel);
  for (int i = the.created.load(base::relaxed); i < wanted; ++i) {
    auto* fresh = new processor(i);
    fresh->random_state += static_cast<std::uint64_t>(i) * 0x632BE59BD9B4E019ULL;
    the.processors[i].store(fresh, base::release);
    the.created.store(i + 1, base::release);
    put_idle(fresh);
  }
  for (int i = 0; i < the.created.load(base::relaxed); ++i) {
    processor& p = *the.processors[i].load(base::relaxed);
    bool revive = false;
    {
      base::locked guard(the.idle_lock);
      if (i < wanted) {
        p.attention.fetch_and(~std::uint32_t{attention_retire}, base::relaxed);
        revive = p.is_retired;
        p.is_retired = false;
      } else if (!p.is_retired) {
        p.attention.fetch_or(attention_retire, base::relaxed);
      }
    }
    if (revive) put_idle(&p);
  }
  if (wanted < before) retire_idle(wanted);
  trace::emit(trace::event::procs, static_cast<std::uint64_t>(wanted));
  return before;
}

void wake_for_new_room() {
  os::heavy_fence();  // P3
  if (work_is_visible()) wake_one();
  ensure_watched();
}

}  // namespace

void look_at_machine_below(const char* root) noexcept { machine_root = root; }

void create_processors(int asked_for) {
  fixed.store(asked_for > 0, base::relaxed);
  resize(asked_for > 0 ? asked_for : os::usable_cpus(machine_root));
}

void follow_cpu_limits() {
  if (fixed.load(base::relaxed)) return;
  const int usable = os::usable_cpus(machine_root);
  if (usable == the.limit.load(base::relaxed) || fixed.load(base::relaxed)) return;
  resize(usable);
  wake_for_new_room();
}

}  // namespace weft::sched

namespace weft {

int procs() {
  sched::ensure_started();
  return sched::the.limit.load(base::acquire);
}

int set_procs(int n) {
  sched::ensure_started();
  if (n < 1) return procs();
  sched::fixed.store(true, base::relaxed);
  const int before = sched::resize(n);
  sched::wake_for_new_room();
  return before;
}

}  // namespace weft
