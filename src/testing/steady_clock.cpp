#include "testing/steady_clock.h"

#include <chrono>
#include <ctime>

#include <weft/detail/virtual_clock.h>

#include "base/atomic.h"
#include "base/fatal.h"
#include "os/clock.h"
#include "sched/seam.h"
#include "testing/virtual_world.h"

namespace weft::testing {

namespace impl {

constinit base::atomic<bool> was_asked{false};

std::int64_t steady_now_ns() noexcept {
  if (!was_asked.load(base::relaxed)) was_asked.store(true, base::relaxed);
  return sched::now_ns();
}

std::int64_t system_now_ns() noexcept {
  if (inhabitant* who = this_inhabitant()) return first_system_ns + world_of(*who).elapsed_ns();
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace impl

bool steady_clock_is_virtual() {
  static const bool is_ours = [] {
    static_cast<void>(std::chrono::steady_clock::now());
    if (impl::was_asked.load(base::relaxed)) return true;
    base::print_error("weft: testing: std::chrono::steady_clock::now() could not be replaced in this program and gives real "
                      "time inside bubbles too; their own time begins at the real one instead of a fixed date.\n");
    return false;
  }();
  return is_ours;
}

std::int64_t first_moment_ns() { return steady_clock_is_virtual() ? first_steady_ns : os::monotonic_ns(); }

}  // namespace weft::testing
