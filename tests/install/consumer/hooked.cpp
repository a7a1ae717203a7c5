// A program outside the source tree that links weft::hook: two hundred sleeps of libc at once, on the threads of two.
#include <unistd.h>
#include <weft/weft.h>

#include <chrono>
#include <cstdio>

int main() {
  return weft::run([] {
    const auto start = weft::clock::now();
    weft::wait_group sleepers;
    for (int i = 0; i < 200; ++i) sleepers.go([] { ::usleep(100'000); });
    sleepers.wait();
    const bool is_parked = weft::clock::now() - start < std::chrono::seconds(5);  // one after the other: 20
    std::puts(is_parked ? "parked" : "blocked");
  }, {.procs = 1});
}
