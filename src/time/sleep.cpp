#include <weft/runtime.h>
#include <weft/time.h>

#include <ctime>
#include <limits>

#include "os/clock.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/timers.h"
#include "sched/worker.h"

namespace weft {

namespace {

struct sleep_timer : sched::timer {
  explicit sleep_timer(detail::sleeper* sleeper) noexcept : timer(fire_it), who(sleeper) {}
  static void fire_it(sched::timer_node* node) { sched::ready(static_cast<sleep_timer*>(node)->who); }
  detail::sleeper* const who;
};

void sleep_until_ns(std::int64_t when_ns) {
  if (sched::goroutine* g = sched::this_goroutine()) {
    sleep_timer timer(g);
    sched::start_timer(timer, when_ns);
    sched::park(sched::wait_reason::sleep, nullptr);
    return;
  }
  const timespec until{when_ns / 1'000'000'000, when_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

}  // namespace

void sleep(clock::duration duration) {
  if (duration.count() <= 0) return yield();
  std::int64_t when;
  if (__builtin_add_overflow(sched::now_ns(), duration.count(), &when)) when = std::numeric_limits<std::int64_t>::max();
  sleep_until_ns(when);
}

void sleep_until(clock::time_point when) {
  if (when <= clock::time_point(clock::duration(sched::now_ns()))) return yield();
  sleep_until_ns(when.time_since_epoch().count());
}

}  // namespace weft
