// Signals to this process, received from a channel. To cancel a context by a signal: weft::with_signals.
//
//   weft::os::signals hup({SIGHUP, SIGUSR1});
//   for (int signal : hup.channel()) signal == SIGHUP ? reload() : dump();
#pragma once

#include <initializer_list>
#include <memory>

#include <weft/chan.h>

namespace weft::os {

// While it lives, these signals do nothing else than arrive here (and at every other `signals` and with_signals for them).
// What they did before is restored when the last one goes.
//
// No signal is lost: one that comes while an equal one waits to be received is one with it, as in the kernel; one that comes
// later is received again. However slow the receiver, a flood of one signal does not displace another.
class signals {
 public:
  explicit signals(std::initializer_list<int> numbers);  // throws misuse for one that cannot be caught
  signals(signals&&) noexcept = default;
  signals& operator=(signals&& other) noexcept;
  ~signals() { stop(); }

  [[nodiscard]] receiver<int> channel() const;  // closed by stop(); several may receive, each signal goes to one
  void stop() noexcept;                         // idempotent

 private:
  struct relay;
  std::shared_ptr<relay> relay_;
};

}  // namespace weft::os
