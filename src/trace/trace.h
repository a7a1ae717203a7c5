// Emitting trace events. Emission is low so that every layer may do it; reading is high (debug/). With tracing off an
// event costs one predictable branch on a word that is only read.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::trace {

enum class event : std::uint8_t {
  spawn,      // a: new goroutine's id        b: start site
  begin,      // a: goroutine id: first run
  end,        // a: goroutine id
  park,       // a: goroutine id              b: wait_reason
  ready,      // a: goroutine id made runnable
  resume,     // a: goroutine id
  yield,      // a: goroutine id
  steal,      // a: thief's processor         b: victim's
  retake,     // a: processor taken           b: id of the goroutine that lost it
  block,      // a: goroutine id: a declared blocking call begins
  unblock,    // a: goroutine id: ... ends
  procs,      // a: new number of processors
};

using sink = void (*)(event what, std::uint64_t a, std::uint64_t b) noexcept;
[[gnu::visibility("hidden")]] extern base::atomic<sink> current_sink;  // null: off
void send_to(sink) noexcept;             // null turns it off

inline bool is_on() noexcept { return current_sink.load(base::relaxed) != nullptr; }
inline void emit(event what, std::uint64_t a = 0, std::uint64_t b = 0) noexcept {
  if (sink to = current_sink.load(base::relaxed)) [[unlikely]] to(what, a, b);
}

}  // namespace weft::trace
