// Loops that never call the runtime, one on every processor, and a goroutine beside them that still wakes in time.
#include <weft/weft.h>

#include <atomic>
#include <cstdio>

using namespace std::chrono_literals;

int main() {
  return weft::run([] {
    weft::set_procs(2);
    std::atomic<bool> stop = false;
    weft::wait_group loops;
    for (int i = 0; i < 2; ++i) {
      loops.go([&] {
        while (!stop) {}
      });
    }

    for (int i = 1; i <= 3; ++i) {
      weft::sleep(5ms);
      std::printf("awake %d\n", i);
    }
    stop = true;
    loops.wait();
    std::puts("loops ended");
  });
}
