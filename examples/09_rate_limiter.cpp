// A ticker paces requests: one per tick, however fast they come.
#include <weft/weft.h>

#include <cstdio>

using namespace std::chrono_literals;

int main() {
  return weft::run([] {
    weft::chan<int> requests(5);
    for (int i = 1; i <= 5; ++i) requests.send(i);
    requests.close();

    const auto start = weft::clock::now();
    weft::ticker pace(4ms);
    for (int request : requests) {
      pace.channel().recv();
      const bool is_paced = weft::clock::now() - start >= request * 4ms;
      std::printf("request %d: %s\n", request, is_paced ? "paced" : "too early");
    }
  });
}
