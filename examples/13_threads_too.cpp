// No weft::run, plain threads and goroutines mixed: every blocking call parks whoever calls it.
#include <weft/weft.h>

#include <cstdio>
#include <thread>

int main() {
  weft::chan<int> numbers;
  weft::chan<int> doubled;

  weft::go([=] {  // starts the runtime
    for (int n : numbers) doubled.send(2 * n);
    doubled.close();
  });

  std::thread producer([=] {
    for (int n = 1; n <= 3; ++n) numbers.send(n);
    numbers.close();
  });

  for (int n : doubled) std::printf("%d\n", n);
  producer.join();
  std::printf("main is %s\n", weft::on_goroutine() ? "a goroutine" : "a plain thread");
}
