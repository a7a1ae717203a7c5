// What perf_test.cpp profiles: two goroutines that compute in turns, so that each sample is taken after a switch.
#include <weft/weft.h>

#include <chrono>

namespace profiled {

[[gnu::noinline]] unsigned long churn_numbers(unsigned long seed) {
  for (int i = 0; i < 2'000; ++i) seed = seed * 6364136223846793005ul + 1442695040888963407ul;
  return seed;
}

[[gnu::noinline]] unsigned long churn_often(unsigned long seed) {
  for (int i = 0; i < 10; ++i) seed = churn_numbers(seed);
  return seed;
}

[[gnu::noinline]] unsigned long compute_and_yield(weft::clock::time_point until) {
  unsigned long result = 1;
  while (weft::clock::now() < until) {
    result = churn_often(result);
    weft::yield();
  }
  return result;
}

}  // namespace profiled

int main() {
  return weft::run(
      [] {
        const auto until = weft::clock::now() + std::chrono::milliseconds(500);
        weft::wait_group both;
        unsigned long results[2];
        for (unsigned long& result : results)
          both.go([&result, until] { result = profiled::compute_and_yield(until); });
        both.wait();
        return results[0] == results[1] ? 0 : 1;
      },
      {.procs = 1});
}
