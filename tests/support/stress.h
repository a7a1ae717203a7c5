// What every stress test shares: a time box, a printed seed, a small generator.
//
//   support::stress_run run;                      // prints "seed 1234", replay with WEFT_STRESS_SEED=1234
//   support::stress_run run(support::one_of_many_places);   // shorter: the test is repeated for every kind of caller
//   while (run.more()) { ... run.below(10) ... }
#pragma once

#include "support/eventually.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace support {

// Each thread or goroutine takes one of its own from stress_run::generator().
class small_random {
 public:
  explicit small_random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }

 private:
  std::uint64_t state_;
};

inline constexpr double one_of_many_places = 0.2;

// Lasts WEFT_STRESS_SECONDS (1 unless set) times `share`.
class stress_run {
 public:
  explicit stress_run(double share = 1) : seed_(chosen_seed()), end_(weft::clock::now() + chosen_duration(share)) {
    std::printf("seed %llu (replay with WEFT_STRESS_SEED)\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);  // before anything can hang
  }
  std::uint64_t seed() const { return seed_; }
  bool more() const { return weft::clock::now() < end_; }
  small_random generator() { return small_random(seed_ + ++generators_); }

 private:
  static std::uint64_t chosen_seed() {
    if (const char* text = std::getenv("WEFT_STRESS_SEED")) return std::strtoull(text, nullptr, 10);
    return std::random_device()();
  }
  static weft::clock::duration chosen_duration(double share) {
    const char* text = std::getenv("WEFT_STRESS_SECONDS");
    const std::chrono::duration<double> seconds(share * (text ? std::atof(text) : 1.0));
    return std::chrono::duration_cast<weft::clock::duration>(seconds);
  }
  std::uint64_t seed_;
  weft::clock::time_point end_;
  std::atomic<std::uint64_t> generators_{0};
};

}  // namespace support
