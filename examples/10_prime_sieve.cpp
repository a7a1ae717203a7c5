// The classic: a chain of goroutines, one for each prime, each dropping the multiples of its own.
#include <weft/weft.h>

#include <cstdio>

int main() {
  return weft::run([] {
    weft::chan<int> numbers;
    weft::go([numbers] {
      for (int n = 2;; ++n) numbers.send(n);  // alive at the end of main, and not waited for
    });

    weft::receiver<int> sieve = numbers;
    for (int i = 0; i < 20; ++i) {
      const int prime = *sieve.recv();
      std::printf("%d%c", prime, i % 10 == 9 ? '\n' : ' ');
      weft::chan<int> rest;
      weft::go([in = sieve, rest, prime] {
        for (int n : in)
          if (n % prime != 0) rest.send(n);
      });
      sieve = rest;
    }
  });
}
