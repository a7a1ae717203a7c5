// Circles of locks, on demand and every second. See wait_graph.h for how they are found.
#include <weft/debug.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <set>

#include "base/fatal.h"
#include "base/settings.h"
#include "debug/census.h"
#include "debug/dump_text.h"
#include "debug/large_stack.h"
#include "debug/periodic.h"
#include "debug/plain_threads.h"
#include "debug/wait_graph.h"
#include "sched/deadlock.h"
#include "sched/idle.h"

namespace weft::debug {
namespace {

deadlock describe(const cycle& c, const census& all, symboliser& names) {
  deadlock found;
  found.report = cycle_text(c);
  for (const wait& w : c) {
    if (w.by.is_thread) {
      found.threads.push_back(static_cast<int>(w.by.id));
      found.report += '\n' + parked_thread_text(names, static_cast<pid_t>(w.by.id), all.taken_at_ns());
      continue;
    }
    found.goroutines.push_back(w.by.id);
    for (const stack_group& g : all.groups())
      if (g.ids[0] == w.by.id) found.report += '\n' + group_text(names, g, all.taken_at_ns(), false);
  }
  return found;
}

std::vector<deadlock> find_deadlocks() {
  std::vector<deadlock> found;
  const std::vector<cycle> cycles = find_cycles();
  if (cycles.empty()) return found;
  std::vector<std::uint64_t> ids;
  for (const cycle& c : cycles)
    for (const wait& w : c)
      if (!w.by.is_thread) ids.push_back(w.by.id);
  census all;
  all.take_only(ids);
  symboliser names(whose::self());
  for (const cycle& c : cycles) found.push_back(describe(c, all, names));
  return found;
}

[[noreturn]] void* look_for_ever(void*) {
  std::set<std::pair<std::vector<std::uint64_t>, std::vector<int>>> reported;
  while (true) {
    const timespec pause{.tv_sec = 1, .tv_nsec = 0};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
    if (sched::the.stopping.load(base::relaxed)) continue;
    for (const deadlock& d : find_deadlocks()) {
      if (!reported.insert({d.goroutines, d.threads}).second) continue;
      os::text_sink(STDERR_FILENO).write("weft: " + d.report + '\n');
    }
  }
}

}  // namespace

std::vector<deadlock> deadlocks() {
  std::vector<deadlock> found;
  on_large_stack([&] { found = find_deadlocks(); });
  return found;
}

void start_periodic_looks() {
  if (!base::settings().debug_deadlock) return;
  sched::note_own_thread();
  start_detached_thread(look_for_ever, "weft-deadlocks");
}

}  // namespace weft::debug
