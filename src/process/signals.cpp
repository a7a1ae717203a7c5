#include <weft/os/signals.h>

#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include <weft/error.h>
#include <weft/runtime.h>
#include <weft/select.h>

#include "base/atomic.h"
#include "os/signals.h"
#include "sched/runtime.h"

namespace weft::os {

// The delivery thread sets a bit and rings; a goroutine takes the bits and sends. While it waits for a receiver, further
// signals only set bits: nothing is lost, and nothing grows.
struct signals::relay : signal_watch {
  relay() noexcept : signal_watch(note) {}

  static void note(signal_watch& watch, int signal) {
    auto& self = static_cast<relay&>(watch);
    self.pending.fetch_or(std::uint64_t{1} << (signal - 1), base::acq_rel);  // pairs with forward(): bit before bell
    self.bell.try_send();
  }

  void forward() const {
    while (bell.recv())
      for (std::uint64_t left = pending.exchange(0, base::acq_rel); left != 0; left &= left - 1)
        if (!send(__builtin_ctzll(left) + 1)) return;
  }

  // Also while it waits, what comes again becomes a new signal only once this one has been received.
  bool send(int signal) const {
    auto sent = on_send(out, signal);
    auto over = on_recv(stopped);
    select(sent, over);
    return static_cast<bool>(sent);
  }

  mutable base::atomic<std::uint64_t> pending{0};
  chan<void> bell{1};
  chan<void> stopped;
  chan<int> out;
};

namespace {

std::string name_of(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return abbreviation ? "SIG" + std::string(abbreviation) : std::to_string(signal);
}

}  // namespace

signals::signals(std::initializer_list<int> numbers) : relay_(std::make_shared<relay>()) {
  try {
    for (const int signal : numbers)
      if (!watch_signal(*relay_, signal)) throw misuse("os::signals: signal " + name_of(signal) + " cannot be caught");
    sched::external_source_add();  // a signal may wake everybody: no deadlock meanwhile
    go({.name = "os::signals"}, [relay = relay_] {
      relay->forward();
      relay->out.close();
    });
  } catch (...) {
    unwatch_signals(*relay_);
    throw;
  }
}

signals& signals::operator=(signals&& other) noexcept {
  if (this == &other) return *this;
  stop();
  relay_ = std::move(other.relay_);
  return *this;
}

receiver<int> signals::channel() const { return relay_ ? receiver<int>(relay_->out) : receiver<int>(nullptr); }

void signals::stop() noexcept {
  if (!relay_ || relay_->stopped.closed()) return;
  unwatch_signals(*relay_);  // after this nobody rings
  relay_->stopped.close();
  relay_->bell.close();
  sched::external_source_remove();
}

}  // namespace weft::os
