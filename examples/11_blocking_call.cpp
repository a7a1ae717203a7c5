// A goroutine may block its thread in any C call, declared or not. The others keep running, here on one processor.
#include <weft/weft.h>

#include <unistd.h>

#include <cstdio>

int main() {
  return weft::run([] {
    weft::set_procs(1);
    int ends[2];
    if (pipe(ends) != 0) return 1;

    weft::wait_group both;
    both.go([&] {
      char byte = 0;
      const auto n = read(ends[0], &byte, 1);  // nothing tells weft that this blocks
      std::printf("read %d byte: %c\n", static_cast<int>(n), byte);
    });
    both.go([&] {
      for (int i = 0; i < 1000; ++i) weft::yield();
      std::puts("a thousand rounds while read() sits in the kernel");
      if (write(ends[1], "x", 1) != 1) std::puts("write failed");
    });
    both.wait();

    // Declared, the processor is handed over at once instead of within 10 ms.
    const int left = weft::blocking([] { return static_cast<int>(sleep(0)); });
    std::printf("declared: %d\n", left);
    close(ends[0]);
    close(ends[1]);
    return 0;
  });
}
