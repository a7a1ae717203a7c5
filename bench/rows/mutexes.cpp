#include <weft/weft.h>

#include <mutex>

#include "row.h"

namespace weft::bench {
namespace {

void mutex_free(figures& f) {
  f["value"] = ns_per_round(20'000'000, [](long rounds) {
    weft::mutex lock;
    for (long i = 0; i < rounds; ++i) std::lock_guard hold(lock);
  });
}

void mutex_contended(figures& f) {
  constexpr int goroutines = 8;
  f["value"] = ns_per_round(16'000'000, [](long operations) {
    weft::mutex lock;
    long counter = 0;
    wait_group all;
    for (int g = 0; g < goroutines; ++g)
      all.go([&] {
        for (long i = 0; i < operations / goroutines; ++i) {
          std::lock_guard hold(lock);
          ++counter;
        }
      });
    all.wait();
  });
}

}  // namespace

std::vector<row> mutex_rows() { return {{"mutex_free", mutex_free}, {"mutex_contended", mutex_contended}}; }

}  // namespace weft::bench
