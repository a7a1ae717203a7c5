#include <weft/runtime.h>
#include <weft/time.h>

#include <ctime>

#include <weft/detail/keep_frame.h>

#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"
#include "sched/timers.h"
#include "sched/watch.h"
#include "sched/worker.h"

namespace weft {

namespace {

using namespace sched;

static_assert(sizeof(sleep_timer) == 64 || sizeof(void*) != 8);

[[gnu::cold, gnu::noinline]] void sleep_as_thread(std::int64_t until_ns) {
  const timespec until{until_ns / 1'000'000'000, until_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]] void sleep_the_long_way(goroutine& g, std::int64_t when_ns) {
  start_timer(g.nap, when_ns);
  park(wait_reason::sleep, nullptr);
  detail::keep_frame();  // places where goroutines park are told apart by few frames (debug/held_locks.cpp)
}

// The one frame of a sleeper, and a small one: where there are thousands each line of a stack is out of cache. So it arms the
// timer and parks, and enters the runtime once for both.
WEFT_PARKS void sleep_until_ns(std::int64_t when_ns) {
  worker* const w = this_worker();
  if (!w || !w->current) [[unlikely]] return sleep_as_thread(when_ns);
  goroutine& g = *w->current;
  processor* const p = is_usual() ? enter_shortly(*w) : nullptr;
  if (!p) [[unlikely]] return sleep_the_long_way(g, when_ns);
  p->timers.arm(g.nap, when_ns);
  timer_armed(when_ns);
  if (!park_entered(*w, *p, wait_reason::sleep, nullptr)) [[unlikely]] park_the_long_way(wait_reason::sleep, nullptr);
}

}  // namespace

namespace detail {

void sleep_for(clock::duration duration) {
  if (duration.count() <= 0) return weft::yield();
  sleep_until_ns(sched::due_in(duration.count()));
}

void sleep_to(clock::time_point when) {
  if (when <= clock::time_point(clock::duration(sched::now_ns()))) return weft::yield();
  sleep_until_ns(when.time_since_epoch().count());
}

}  // namespace detail

}  // namespace weft
