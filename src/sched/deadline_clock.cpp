#include "sched/deadline_clock.h"

#include <string_view>

#include "os/clock.h"
#include "os/file.h"
#include "os/valgrind.h"

namespace weft::sched {

constinit base::atomic<std::uint64_t> deadline_clock::rate_{0};

namespace {

constexpr std::int64_t shortest_measurement_ns = 20'000'000;
constexpr std::uint64_t most_cycles_to_read = 4'000;  // one to four microseconds: nobody interrupted it

// DC3. Not under Valgrind, where the cycles pass so fast that how often the clock is read would depend on the machine.
bool is_clock_of_the_kernel() noexcept {
  char text[32];
  return arch::has_cycles && !os::runs_under_valgrind() && os::read_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", text) == "tsc\n";
}

}  // namespace

bool deadline_clock::measure() noexcept {
  static std::uint64_t first_cycles = 0;
  static std::int64_t first_ns = 0;
  static const bool is_usable = is_clock_of_the_kernel();
  if (!is_usable || rate_.load(base::relaxed) != 0) return true;
  const std::uint64_t before = arch::cycles();
  const std::int64_t now = os::never_slewed_ns();
  if (arch::cycles() - before > most_cycles_to_read) return false;
  if (first_ns == 0) {
    first_cycles = before;
    first_ns = now;
  }
  if (now - first_ns < shortest_measurement_ns) return false;
  const double ns_per_cycle = static_cast<double>(now - first_ns) / static_cast<double>(before - first_cycles);
  rate_.store(static_cast<std::uint64_t>(ns_per_cycle * 1.125 * static_cast<double>(std::uint64_t{1} << rate_bits)), base::relaxed);
  return true;
}

std::int64_t deadline_clock::read() noexcept {
  const std::uint64_t before = arch::cycles();
  const std::int64_t now = os::monotonic_ns();
  if (rate_.load(base::relaxed) != 0 && arch::cycles() - before <= most_cycles_to_read) {
    at_cycles_ = before;
    at_ns_ = now;
  }
  return now;
}

}  // namespace weft::sched
