#include <chrono>

std::chrono::steady_clock::time_point steady_elsewhere() { return std::chrono::steady_clock::now(); }
std::chrono::system_clock::time_point system_elsewhere() { return std::chrono::system_clock::now(); }

#ifdef CLOCK_IS_NOT_REPLACED
// As if another library had been first: a strong definition, which ours, being weak, gives way to.
#include <time.h>

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}
#endif
