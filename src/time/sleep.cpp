#include <weft/runtime.h>
#include <weft/time.h>

#include <ctime>

#include "base/prefetch.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/timers.h"
#include "sched/worker.h"

namespace weft {

namespace {

// One line of the cache: all that arming and firing touch of a sleeper.
struct alignas(base::cache_line) sleep_timer : sched::timer {
  explicit sleep_timer(sched::goroutine* sleeper) noexcept : timer(fire_it), who(sleeper) {}
  static void fire_it(sched::timer_node* node) { sched::ready_outside_worlds(*static_cast<sleep_timer*>(node)->who); }
  sched::goroutine* const who;
};
static_assert(sizeof(sleep_timer) == base::cache_line || sizeof(void*) != 8);

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
