// Ten goroutines want the same thing at the same time; it is made once.
#include <weft/weft.h>

#include <atomic>
#include <cstdio>
#include <string>

int main() {
  return weft::run([] {
    weft::single_flight<std::string, std::string> loads;
    std::atomic<int> asked = 0, loaded = 0, answered = 0;

    const auto load = [&] {
      ++loaded;
      while (asked < 10) weft::yield();  // slow enough for everybody to arrive
      weft::yield();
      return std::string("contents");
    };
    weft::wait_group readers;
    for (int i = 0; i < 10; ++i) {
      readers.go([&] {
        ++asked;
        if (loads.call("file.txt", load) == "contents") ++answered;
      });
    }
    readers.wait();
    std::printf("asked %d, answered %d, shared: %s\n", asked.load(), answered.load(), loaded < 10 ? "yes" : "no");
  });
}
