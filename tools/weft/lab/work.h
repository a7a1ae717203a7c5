// Honest work for a CPU: counting primes by trial division.
#pragma once

namespace weft::lab {

[[gnu::noinline]] inline bool is_prime(long n) {
  if (n < 2) return false;
  for (long d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

[[gnu::noinline]] inline long count_primes(long first, long last) {
  long count = 0;
  for (long n = first; n < last; ++n) count += is_prime(n);
  return count;
}

// Says that the result is wanted; without it the compiler leaves out work whose result nobody reads.
inline void keep(long result) { asm volatile("" : : "r"(result)); }

// A step of about 50 µs: the primes among a few numbers around a million.
inline void cpu_step() { keep(count_primes(1'000'000, 1'000'300)); }

}  // namespace weft::lab
