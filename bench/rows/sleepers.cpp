#include <weft/weft.h>

#include "row.h"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

template <class F>
void all_at_once(long tasks, F f) {
  wait_group all;
  for (long i = 0; i < tasks; ++i) all.go([f, i] { f(i); });
  all.wait();
}

// The lab's E1: CPU seconds of ten thousand workers that sleep a thousand times each.
void e1(figures& f) {
  const double before = cpu_seconds();
  all_at_once(10'000, [](long i) {
    sleep(std::chrono::microseconds(static_cast<unsigned long>(i) * 2654435761UL % 200'000));
    for (int k = 0; k < 1000; ++k) sleep(10ms);
  });
  f["value"] = cpu_seconds() - before;
}

void e2(figures& f) {
  const stopwatch all;
  all_at_once(1'000'000, [](long) { sleep(1s); });
  f["value"] = all.ns() / 1e9;
}

void e3(figures& f) {
  const stopwatch all;
  all_at_once(100'000, [](long) { sleep(100ms); });
  f["value"] = all.ns() / 1e6;
}

}  // namespace

std::vector<row> sleeper_rows() { return {{"e1", e1}, {"e2", e2}, {"e3", e3}}; }

}  // namespace weft::bench
