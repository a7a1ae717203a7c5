// semaphore::acquire with a context: one sleep with two waiters, one in the semaphore's queue and one in the context's
// done channel, sharing a claim word (detail/waiter.h, W2). Here and not in sync/, because contexts are above it.
#include <weft/context.h>
#include <weft/semaphore.h>

#include "base/race.h"
#include "chan/channel.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft {

result<void> semaphore::acquire_in_turn(const context& ctx, std::int64_t n) {
  check(n, "semaphore::acquire");
  sched::point("semaphore acquire");
  if (ctx.cancelled()) return std::unexpected(ctx.err());
  const receiver<void> done = ctx.done();
  detail::channel* cancelled = detail::channel_access::ref(done).get();
  if (!cancelled) {
    acquire(n);
    return {};
  }

  enum : std::uint32_t { granted = 1, given_up = 2 };
  base::atomic<std::uint32_t> claim{0};
  detail::waiter request, cancellation;
  request.who = cancellation.who = sched::self();
  request.claim = cancellation.claim = &claim;
  request.index = granted;
  cancellation.index = given_up;
  request.value = &n;
  {
    base::locked hold(queue_lock_);
    if (waiters_.empty() && available_ >= n) {
      available_ -= n;
      base::race::acquire(this);
      return {};
    }
    waiters_.push_back(request);
  }
  bool is_over = false;
  {
    base::locked hold(cancelled->lock);
    if (cancelled->closed.load(base::relaxed)) is_over = detail::waiter_queue::claim(cancellation);
    else cancelled->receivers.push_back(cancellation);
  }
  if (!is_over) sched::park(sched::wait_reason::semaphore_acquire, this);
  {
    base::locked hold(cancelled->lock);
    cancelled->receivers.remove(cancellation);
  }
  if (claim.load(base::acquire) == granted) {
    base::race::acquire(this);
    return {};
  }

  detail::waiter* next;
  {
    base::locked hold(queue_lock_);
    waiters_.remove(request);
    next = take_granted();  // whom we held up
  }
  sched::ready_all(next);
  return std::unexpected(ctx.err());
}

}  // namespace weft
