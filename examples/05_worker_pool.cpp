// CPU work for a fixed number of workers, fed by one channel and answered over another.
#include <weft/weft.h>

#include <cstdio>

struct answer {
  int number;
  bool is_prime;
};

bool is_prime(int n) {
  for (int d = 2; d * d <= n; ++d)
    if (n % d == 0) return false;
  return n > 1;
}

int main() {
  return weft::run([] {
    weft::chan<int> numbers(16);
    weft::chan<answer> answers(16);

    weft::wait_group workers;
    for (int i = 0; i < weft::procs(); ++i) {
      workers.go([=] {
        for (int n : numbers) answers.send({n, is_prime(n)});
      });
    }
    weft::go([=] {
      for (int n = 1; n <= 10'000; ++n) numbers.send(n);
      numbers.close();
    });
    weft::go([&, answers] {
      workers.wait();
      answers.close();
    });

    int primes = 0, asked = 0;
    for (answer a : answers) {
      ++asked;
      primes += a.is_prime;
    }
    std::printf("%d of %d are prime\n", primes, asked);
  });
}
