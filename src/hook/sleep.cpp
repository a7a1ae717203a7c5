// nanosleep, clock_nanosleep, usleep, sleep: a timer instead of a thread. No signal ends these early, so nothing is ever
// left of the time. Clocks that do not run with the time of day or the machine (those of CPU time) are libc's.
#include <algorithm>
#include <chrono>

#include <weft/time.h>

#include "hook/park.h"
#include "sched/seam.h"

namespace weft::hook {
namespace {

bool may_sleep() noexcept { return may_park() && has_scheduler(); }
bool may_sleep_by(clockid_t id) noexcept { return id == CLOCK_MONOTONIC || id == CLOCK_REALTIME || id == CLOCK_BOOTTIME; }

int sleep_until_ns(std::int64_t deadline_ns) {
  return with_errno([=] {
    weft::sleep_until(clock::time_point(clock::duration(deadline_ns)));  // a past one: yields
    return 0;
  });
}

// `when` is of the kernel's clock, also for a caller in a world of virtual time.
int sleep_until_monotonic(const timespec& when) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  std::int64_t deadline_ns;
  if (__builtin_sub_overflow(since_zero(when), since_zero(now), &deadline_ns) ||
      __builtin_add_overflow(deadline_ns, sched::now_ns(), &deadline_ns))
    deadline_ns = os::no_deadline;
  return sleep_until_ns(deadline_ns);
}

int sleep_for(const timespec& span) { return sleep_until_ns(deadline_after(span)); }

// A clock that may be set while we sleep is looked at again every so often.
int sleep_until_clock(clockid_t id, const timespec& when) {
  constexpr std::int64_t look_again_ns = 100'000'000;
  while (true) {
    timespec now{};
    ::clock_gettime(id, &now);
    const std::int64_t left_s = when.tv_sec - now.tv_sec;
    std::int64_t left_ns;
    if (__builtin_mul_overflow(left_s, std::int64_t{1'000'000'000}, &left_ns)) left_ns = left_s < 0 ? -1 : look_again_ns;
    else left_ns += when.tv_nsec - now.tv_nsec;
    if (left_ns <= 0) return 0;
    weft::sleep(std::chrono::nanoseconds(std::min(left_ns, look_again_ns)));
  }
}

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

extern "C" {

int nanosleep(const timespec* span, timespec* left) {
  if (!span || !is_time(*span) || !may_sleep()) return real::nanosleep(span, left);
  return sleep_for(*span);
}

int clock_nanosleep(clockid_t id, int flags, const timespec* time, timespec* left) {
  if (!time || !is_time(*time) || !may_sleep_by(id) || !may_sleep()) return real::clock_nanosleep(id, flags, time, left);
  if (!(flags & TIMER_ABSTIME)) return sleep_for(*time);
  if (id == CLOCK_MONOTONIC) return sleep_until_monotonic(*time);
  return with_errno([=] { return sleep_until_clock(id, *time); });
}

int usleep(useconds_t us) {
  if (!may_sleep()) return real::usleep(us);
  return sleep_for({us / 1'000'000, us % 1'000'000 * 1000});
}

unsigned sleep(unsigned seconds) {
  if (!may_sleep()) return real::sleep(seconds);
  return static_cast<unsigned>(sleep_for({seconds, 0}));
}

}  // extern "C"
