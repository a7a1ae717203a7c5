// How late a task wakes that wants to run every millisecond.
#pragma once

#include <atomic>
#include <vector>

#include "crowd.h"

namespace weft::lab {

inline constexpr auto heartbeat_period = std::chrono::milliseconds(1);

// Sleeps a millisecond again and again while `goes_on()`; how much longer each sleep took, in seconds.
template <class Tasks, class GoesOn>
std::vector<double> heartbeat(GoesOn goes_on) {
  std::vector<double> late;
  late.reserve(1 << 16);
  while (goes_on()) {
    const auto due = clock::now() + heartbeat_period;
    Tasks::sleep(heartbeat_period);
    late.push_back(std::chrono::duration<double>(clock::now() - due).count());
  }
  return late;
}

template <class Tasks>
std::vector<double> heartbeat_for(std::chrono::milliseconds duration) {
  const auto end = clock::now() + duration;
  return heartbeat<Tasks>([end] { return clock::now() < end; });
}

}  // namespace weft::lab
