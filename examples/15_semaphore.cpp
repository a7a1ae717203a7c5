// A hundred goroutines, four at a time. Waiting for a place can be cancelled.
#include <weft/weft.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

using namespace std::chrono_literals;

int main() {
  return weft::run([] {
    weft::semaphore places(4);
    std::atomic<int> inside = 0, most = 0;

    weft::wait_group all;
    for (int i = 0; i < 100; ++i) {
      all.go([&] {
        places.acquire();
        const int here = ++inside;
        for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {}
        weft::yield();
        --inside;
        places.release();
      });
    }
    all.wait();
    std::printf("at most four inside: %s\n", most <= 4 ? "yes" : "no");

    places.acquire(4);
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    if (auto place = places.acquire(ctx, 1); !place) {
      std::printf("gave up: %s\n", place.error() == std::errc::timed_out ? "timed out" : "cancelled");
    }
    places.release(4);
  });
}
