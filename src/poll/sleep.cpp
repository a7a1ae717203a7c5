#include "poll/sleep.h"

#include "chan/channel.h"
#include "sched/idle.h"
#include "sched/schedule.h"

namespace weft::poll {

sleep::sleep(const patience& limits) noexcept : limits_(limits) {
  request.who = sched::self();
  request.index = served;
  if (limits.ctx || limits.until_ns != os::no_deadline) request.claim = &claim_;
}

sleep::end sleep::park(sched::wait_reason reason, const void* object) {
  // A goroutine's worker watches the poller when it runs out of work; for a plain thread somebody else has to.
  if (!request.who->is_goroutine) sched::ensure_watched();
  if (request.claim) return park_with_limits(reason, object);
  sched::park(reason, object);
  return served;
}

sleep::end sleep::park_with_limits(sched::wait_reason reason, const void* object) {
  const receiver<void> done = limits_.ctx ? limits_.ctx->done() : receiver<void>(nullptr);
  detail::channel* const channel = detail::channel_access::ref(done).get();
  detail::waiter cancellation;
  bool is_over = false;
  if (channel) {
    cancellation.who = request.who;
    cancellation.claim = &claim_;
    cancellation.index = cancelled;
    base::locked hold(channel->lock);
    if (channel->closed.load(base::relaxed)) is_over = detail::waiter_queue::claim(cancellation);
    else channel->receivers.push_back(cancellation);
  }
  if (!is_over) {
    if (limits_.until_ns == os::no_deadline) sched::park(reason, object);
    else sched::park_until(limits_.until_ns, claim_, too_late, reason, object);
  }
  if (channel) {
    base::locked hold(channel->lock);
    channel->receivers.remove(cancellation);
  }
  return static_cast<end>(claim_.load(base::acquire));
}

}  // namespace weft::poll
