// What the scheduler knows of the poller. poll/ registers a real one; until then idle workers sleep on a futex.
#pragma once

#include <cstdint>

namespace weft::sched {

class poller {
 public:
  virtual ~poller() = default;
  // Blocks until something is ready, `deadline_ns` has come, or wake() was called; makes goroutines runnable. One caller
  // at a time, a worker without a processor. A wake() before the call is not lost.
  virtual void wait(std::int64_t deadline_ns) = 0;
  virtual void poll() = 0;                       // the same without blocking; inside the runtime
  virtual void wake() = 0;                       // from any thread
  [[nodiscard]] virtual bool armed() const = 0;  // something that was registered may become ready
};

// Before the runtime starts.
void register_poller(poller* instance) noexcept;
poller& current_poller() noexcept;

}  // namespace weft::sched
