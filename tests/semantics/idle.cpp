// Idle costs no CPU: parked goroutines without timers leave every worker and the monitor asleep.
#include "support/child.h"
#include "support/crew.h"

#include <weft/weft.h>

#include <sys/resource.h>

#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

namespace {

double cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) { return double(t.tv_sec) * 1e3 + double(t.tv_usec) * 1e-3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

}  // namespace

WEFT_CHILD(idles_with_ten_thousand_parked) {
  weft::chan<void> release;
  weft::wait_group parked, ended;
  parked.add(10'000);
  for (int i = 0; i < 10'000; ++i) {
    ended.go([&] {
      parked.done();
      release.recv();
    });
  }
  parked.wait();
  std::this_thread::sleep_for(1200ms);  // workers may spin and the monitor may tidy up before they sleep
  const double before = cpu_ms();
  std::this_thread::sleep_for(2s);      // what is measured: two idle seconds
  std::printf("%f\n", (cpu_ms() - before) / 2);
  release.close();
  ended.wait();
  return 0;
}

TEST(idle, ten_thousand_parked_goroutines_use_less_than_a_millisecond_of_cpu_per_second) {
  const auto child = support::run_child("idles_with_ten_thousand_parked");
  double ms_per_second = 1e9;
  ASSERT_EQ(std::sscanf(child.out.c_str(), "%lf", &ms_per_second), 1) << child;
  EXPECT_LT(ms_per_second, 1.0) << child;
}
