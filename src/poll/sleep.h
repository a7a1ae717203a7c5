// One sleep that a context or a time may end before what is waited for has come.
#pragma once

#include <cstdint>

#include <weft/context.h>
#include <weft/detail/waiter.h>

#include "base/atomic.h"
#include "os/futex.h"
#include "sched/wait_reason.h"

namespace weft::poll {

// How long a caller is willing to wait, beside the deadline of the descriptor. By default for ever.
struct patience {
  const context* ctx = nullptr;                 // outlives the wait
  std::int64_t until_ns = os::no_deadline;      // CLOCK_MONOTONIC
};

// Lives on the sleeper's stack. `request` goes into the queue of what is waited for, under that queue's lock; whoever
// takes it out there sets request.success as he likes. After any end but `served` the request may still be queued: the
// sleeper takes it out under the lock.
class sleep {
 public:
  explicit sleep(const patience& limits) noexcept;
  sleep(const sleep&) = delete;
  sleep& operator=(const sleep&) = delete;

  enum end : std::uint32_t { served = 1, cancelled, too_late };
  end park(sched::wait_reason reason, const void* object);

  detail::waiter request;

 private:
  end park_with_limits(sched::wait_reason reason, const void* object);

  const patience& limits_;
  base::atomic<std::uint32_t> claim_{0};  // detail/waiter.h, W2; unused without limits
};

}  // namespace weft::poll
