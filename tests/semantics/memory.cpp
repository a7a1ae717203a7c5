// Memory: what a parked goroutine costs in all, and that it comes back. Run as programs of their own, so that nothing
// else is in the figures. VmRSS plus VmPTE: resident pages and the page tables that map them.
#include "support/child.h"
#include "support/crew.h"
#include "support/eventually.h"

#include <weft/weft.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

using namespace std::chrono_literals;
using support::run_child;

namespace {

long status_kib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::atol(line.c_str() + field.size() + 1);
  }
  return 0;
}

long footprint_kib() { return status_kib("VmRSS") + status_kib("VmPTE"); }

// Parks `count` goroutines, prints bytes each, lets them go, prints the percentage of the peak left after a second.
int park_and_release(int count) {
  return weft::run([=] {
    const long before = footprint_kib();
    weft::chan<void> release;
    weft::wait_group parked, ended;
    parked.add(count);
    for (int i = 0; i < count; ++i) {
      ended.go([&parked, release] {
        parked.done();
        release.recv();
      });
    }
    parked.wait();
    const long peak = footprint_kib();
    release.close();
    ended.wait();
    weft::sleep(1s);  // the promise: within a second of idling
    const long after = status_kib("VmRSS");
    std::printf("%ld %ld\n", (peak - before) * 1024 / count, after * 100 / peak);
  });
}

}  // namespace

WEFT_CHILD(parks_100k) { return park_and_release(100'000); }
WEFT_CHILD(parks_a_million) { return park_and_release(1'000'000); }
WEFT_CHILD(spawns_a_million_short_ones) {
  return weft::run([] {
    const long before = footprint_kib();
    for (int round = 0; round < 100; ++round) {
      weft::wait_group wg;
      for (int i = 0; i < 10'000; ++i) wg.go([] {});
      wg.wait();
    }
    std::printf("%ld\n", footprint_kib() - before);
  });
}

#ifndef NDEBUG
constexpr bool frames_are_optimised = false;  // a debug build's frames may need a second page
#else
constexpr bool frames_are_optimised = true;
#endif

// The promise is 4.7 KB each for a million; the fixed part weighs more on a tenth of that.
TEST(memory, a_hundred_thousand_parked_goroutines_take_a_page_each_and_give_it_back) {
  const auto child = run_child("parks_100k");
  long bytes_each = 0, percent_left = 100;
  ASSERT_EQ(std::sscanf(child.out.c_str(), "%ld %ld", &bytes_each, &percent_left), 2) << child;
  EXPECT_LE(bytes_each, frames_are_optimised ? 4'900 : 9'000) << child;
  EXPECT_LT(percent_left, 20) << child;
}

TEST(memory, a_million_parked_goroutines_fit_the_default_limits) {
  const auto child = run_child("parks_a_million", {}, 50s);
  long bytes_each = 0, percent_left = 100;
  ASSERT_EQ(std::sscanf(child.out.c_str(), "%ld %ld", &bytes_each, &percent_left), 2) << child;
  EXPECT_LE(bytes_each, frames_are_optimised ? 4'700 : 9'000) << child;
  EXPECT_LT(percent_left, 15) << child;
}

TEST(memory, short_goroutines_need_few_stacks) {
  const auto child = run_child("spawns_a_million_short_ones");
  long growth_kib = 0;
  ASSERT_EQ(std::sscanf(child.out.c_str(), "%ld", &growth_kib), 1) << child;
  EXPECT_LT(growth_kib, 20'000) << child;  // 10,000 stacks of a page each would be 40,000
}
