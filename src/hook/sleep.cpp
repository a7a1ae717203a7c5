// nanosleep, clock_nanosleep, usleep, sleep: a timer instead of a thread. No signal ends these early, so nothing is ever left
// of the time. Clocks that do not run with the time of day or the machine (those of CPU time) are libc's.
#include <algorithm>
#include <chrono>

#include <weft/time.h>

#include "hook/park.h"

namespace weft::hook {
namespace {

bool may_sleep() noexcept { return may_park() && has_scheduler(); }
bool may_sleep_by(clockid_t id) noexcept { return id == CLOCK_MONOTONIC || id == CLOCK_REALTIME || id == CLOCK_BOOTTIME; }

void sleep_for(const timespec& span) {
  const std::int64_t deadline_ns = deadline_after(span);
  if (span.tv_sec == 0 && span.tv_nsec == 0) return weft::yield();
  weft::sleep_until(clock::time_point(clock::duration(deadline_ns)));
}

// A clock that may be set while we sleep is looked at again every so often.
void sleep_until_clock(clockid_t id, const timespec& when) {
  constexpr std::int64_t look_again_ns = 100'000'000;
  while (true) {
    timespec now{};
    ::clock_gettime(id, &now);
    const std::int64_t left_s = when.tv_sec - now.tv_sec;
    std::int64_t left_ns;
    if (__builtin_mul_overflow(left_s, std::int64_t{1'000'000'000}, &left_ns)) left_ns = left_s < 0 ? -1 : look_again_ns;
    else left_ns += when.tv_nsec - now.tv_nsec;
    if (left_ns <= 0) return;
    weft::sleep(std::chrono::nanoseconds(std::min(left_ns, look_again_ns)));
  }
}

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

extern "C" {

int nanosleep(const timespec* span, timespec* left) {
  if (!span || !is_time(*span) || !may_sleep()) return real::nanosleep(span, left);
  sleep_for(*span);
  return 0;
}

int clock_nanosleep(clockid_t id, int flags, const timespec* time, timespec* left) {
  if (!time || !is_time(*time) || !may_sleep_by(id) || !may_sleep()) return real::clock_nanosleep(id, flags, time, left);
  if (!(flags & TIMER_ABSTIME)) sleep_for(*time);
  else if (id != CLOCK_MONOTONIC) sleep_until_clock(id, *time);
  else weft::sleep_until(weft::clock::time_point(std::chrono::seconds(time->tv_sec) + std::chrono::nanoseconds(time->tv_nsec)));
  return 0;
}

int usleep(useconds_t us) {
  if (!may_sleep()) return real::usleep(us);
  sleep_for({us / 1'000'000, us % 1'000'000 * 1000});
  return 0;
}

unsigned sleep(unsigned seconds) {
  if (!may_sleep()) return real::sleep(seconds);
  sleep_for({seconds, 0});
  return 0;
}

}  // extern "C"
