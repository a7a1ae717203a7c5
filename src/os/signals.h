// Delivery of process signals to ordinary code.
//
// A signal handler may do next to nothing, so ours sets a bit and wakes a thread of our own, which tells whoever asked.
// The thread lives while anything is watched. What the process did on a signal before the first watch of it is restored
// when the last one goes.
#pragma once

#include <cstdint>

namespace weft::os {

struct signal_watch {
  explicit signal_watch(void (*on_signal)(signal_watch&, int)) noexcept : notify(on_signal) {}
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

  // Called on the delivery thread, once for a burst of equal signals. It must be brief, and neither watch nor unwatch.
  void (*const notify)(signal_watch&, int signal);
  std::uint64_t signals = 0;     // bit n - 1: signal n
  signal_watch* next = nullptr;  // signals.cpp
  signal_watch* prev = nullptr;
};

inline constexpr int last_signal = 64;

// Adds a signal to the watch. False if it cannot be caught. Throws std::system_error if the thread cannot be started.
bool watch_signal(signal_watch& watch, int signal);

// When it returns, notify is not running and will not run. Does nothing if nothing is watched.
void unwatch_signals(signal_watch& watch) noexcept;

}  // namespace weft::os
