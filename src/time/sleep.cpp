#include <weft/runtime.h>
#include <weft/time.h>

#include <ctime>

#include <weft/detail/keep_frame.h>

#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/timers.h"
#include "sched/worker.h"

namespace weft {

namespace {

static_assert(sizeof(sched::sleep_timer) == 64 || sizeof(void*) != 8);

void sleep_as_thread(std::int64_t until_ns) {
  const timespec until{until_ns / 1'000'000'000, until_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

// The one frame of a sleeper, and a small one: where there are thousands each line of a stack is out of cache.
void sleep_until_ns(std::int64_t when_ns) {
  sched::goroutine* const g = sched::this_goroutine();
  if (!g) return sleep_as_thread(when_ns);
  sched::start_timer(g->nap, when_ns);
  sched::park(sched::wait_reason::sleep, nullptr);
  detail::keep_frame();  // places where goroutines park are told apart by few frames (debug/held_locks.cpp)
}

}  // namespace

namespace detail {

void sleep_for(clock::duration duration) {
  if (duration.count() <= 0) return yield();
  sleep_until_ns(sched::due_in(duration.count()));
}

void sleep_to(clock::time_point when) {
  if (when <= clock::time_point(clock::duration(sched::now_ns()))) return yield();
  sleep_until_ns(when.time_since_epoch().count());
}

}  // namespace detail

}  // namespace weft
