#include <weft/weft.h>

#include <memory>

#include "row.h"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

void timer_stop(figures& f) {
  f["value"] = ns_per_round(2'000'000, [](long rounds) {
    for (long i = 0; i < rounds; ++i) {
      timer unneeded(1h);
      unneeded.stop();
    }
  });
}

// A million timers with deadlines spread over the second that follows; each notes how late it ran, in its own goroutine.
void timers_million(figures& f) {
  constexpr long timers = 1'000'000;
  std::vector<float> late_us(timers);
  wait_group all;
  all.add(timers);
  const double cpu_before = cpu_seconds();
  for (long i = 0; i < timers; ++i) {
    const auto delay = std::chrono::microseconds(static_cast<unsigned long>(i) * 2654435761UL % 1'000'000);
    const auto due = clock::now() + delay;
    after_func(delay, [&late_us, &all, i, due] {
      late_us[static_cast<std::size_t>(i)] = std::chrono::duration<float, std::micro>(clock::now() - due).count();
      all.done();
    });
  }
  all.wait();
  f["value"] = (cpu_seconds() - cpu_before) * 1e9 / timers;
  std::vector<double> samples(late_us.begin(), late_us.end());
  f["late_p50_us"] = quantile(samples, 50);
  f["late_p99_us"] = quantile(samples, 99);
}

}  // namespace

std::vector<row> timer_rows() { return {{"timer_stop", timer_stop}, {"timers_million", timers_million}}; }

}  // namespace weft::bench
