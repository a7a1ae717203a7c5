// A dump of a million parked goroutines: how long, how much memory more.
//
//   ./weft run bench/dump_million.cpp [GOROUTINES]
//
// They wait in ten different places. The claim is under ten seconds and under 200 MB more.
#include <weft/weft.h>
#include <weft/debug.h>

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>

namespace {

[[gnu::noinline]] void waits(weft::chan<void> end, int depth) {
  if (depth > 0) waits(end, depth - 1);
  else end.recv();
  asm volatile("" : : : "memory");
}

double peak_mb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  return weft::run([&] {
    weft::chan<void> end;
    weft::wait_group all;
    for (long i = 0; i < count; ++i) {
      all.go([end, i] { waits(end, static_cast<int>(i % 10)); });
      if (i % 1000 == 999) weft::yield();
    }
    for (int i = 0; i < 100; ++i) weft::yield();
    const double before = peak_mb();
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const auto start = std::chrono::steady_clock::now();
    weft::debug::dump(nowhere);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%zu goroutines: %.2f s, %.0f MB more than the %.0f MB before\n", weft::goroutines(), took.count(), peak_mb() - before, before);
    end.close();
    all.wait();
  });
}
