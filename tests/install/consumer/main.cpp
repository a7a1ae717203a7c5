// A program outside the source tree: goroutines, a channel and the version.
#include <weft/version.h>
#include <weft/weft.h>

#include <cstdio>

int main() {
  return weft::run([] {
    weft::chan<int> numbers;
    weft::go([numbers] {
      for (int i : {20, 21, 1}) numbers.send(i);
      numbers.close();
    });
    int sum = 0;
    for (int n : numbers) sum += n;
    std::printf("%d from weft %s\n", sum, WEFT_VERSION);
  });
}
