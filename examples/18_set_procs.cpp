// How many goroutines run at once is procs(). It can change while the program runs.
#include <weft/weft.h>

#include <cstdio>
#include <vector>

long sum_in_parallel(const std::vector<int>& values, int parts) {
  weft::chan<long> partial(static_cast<std::size_t>(parts));
  const std::size_t share = values.size() / static_cast<std::size_t>(parts);
  for (int i = 0; i < parts; ++i) {
    weft::go([&values, partial, share, first = share * static_cast<std::size_t>(i)] {
      long sum = 0;
      for (std::size_t k = first; k < first + share; ++k) sum += values[k];
      partial.send(sum);
    });
  }
  long total = 0;
  for (int i = 0; i < parts; ++i) total += *partial.recv();
  return total;
}

int main() {
  return weft::run(
      [] {
        const std::vector<int> values(1'200'000, 1);
        std::printf("started with %d\n", weft::procs());
        for (int n : {1, 2, 4}) {
          const int previous = weft::set_procs(n);
          std::printf("%d instead of %d: %ld\n", n, previous, sum_in_parallel(values, 2 * n));
        }
      },
      {.procs = 3});
}
