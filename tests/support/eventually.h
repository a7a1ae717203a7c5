// Wait for a predicate by yielding, never by sleeping a guessed time.
//
//   ASSERT_TRUE(support::eventually([&] { return parked == 10; }));
#pragma once

#include <weft/weft.h>

#include <chrono>
#include <cstdlib>

namespace support {

// Time limits are stretched by WEFT_TEST_PATIENCE (emulators, sanitizers).
inline double patience() {
  static const double factor = [] {
    const char* text = std::getenv("WEFT_TEST_PATIENCE");
    const double value = text ? std::atof(text) : 1.0;
    return value > 0 ? value : 1.0;
  }();
  return factor;
}

template <class Rep, class Period>
weft::clock::duration stretched(std::chrono::duration<Rep, Period> d) {
  return std::chrono::duration_cast<weft::clock::duration>(d * patience());
}

// True as soon as holds() does; false when it still does not after the limit.
template <class Predicate>
bool eventually(Predicate holds, weft::clock::duration limit = std::chrono::seconds(20)) {
  const auto deadline = weft::clock::now() + stretched(limit);
  while (!holds()) {
    if (weft::clock::now() > deadline) return holds();
    weft::yield();
  }
  return true;
}

// Gives every other runnable goroutine several turns: enough for a partner to reach the call it parks in when it has
// nothing else to do. Tests may rely on this for coverage of the parked path, never for their result.
inline void let_others_run(int turns = 50) {
  for (int i = 0; i < turns; ++i) weft::yield();
}

}  // namespace support
