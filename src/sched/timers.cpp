#include "sched/timers.h"

#include <limits>

#include "base/assert.h"
#include "base/prefetch.h"
#include "base/race.h"
#include "sched/idle.h"
#include "sched/runtime.h"
#include "sched/seam.h"

namespace weft::sched {

bool timer_set::disarm(timer& t) noexcept {
  base::locked hold(lock_);
  if (t.home.load(base::relaxed) != this || !wheel_.remove(t)) return false;
  t.phase.store(timer::state::idle, base::relaxed);
  if (wheel_.empty()) next_due_.store(wheel::never, base::relaxed);
  return true;
}

std::size_t timer_set::fire_batch(std::int64_t now_ns) {
  constexpr std::size_t most = 64;  // bounds how long the lock is held, and keeps what is fired in cache until it runs
  if (!due(now_ns)) return 0;
  timer_node* list;
  {
    base::locked hold(lock_);
    list = wheel_.expire(now_ns, most);
    std::uint64_t count = 0;
    for (timer_node* node = list; node; node = node->next, ++count) {
      static_cast<timer*>(node)->phase.store(timer::state::firing, base::relaxed);
      if (static_cast<timer*>(node)->needs_more)
        base::prefetch(reinterpret_cast<std::byte*>(node) + base::cache_line, base::cache_line / 2);
    }
    fired_.add_owned(count);
    next_due_.store(wheel_.next_due(), base::relaxed);
  }
  std::size_t fired = 0;
  for (; list; ++fired) {
    timer_node* node = list;
    list = node->next;  // before fire: it may be the last touch (T1)
    const base::race::stranger nobody;  // the timer says what it knows
    node->kind->fire(node);
  }
  return fired;
}

std::size_t timer_set::fire_due(std::int64_t now_ns) {
  std::size_t fired = 0;
  while (const std::size_t more = fire_batch(now_ns)) fired += more;
  return fired;
}

void timer_set::move_all_to(timer_set& other) noexcept {
  base::locked hold(lock_);
  timer_node* list = wheel_.take_all();
  next_due_.store(wheel::never, base::relaxed);
  // The one place where two timer locks are held: only ever from a retired processor to processor 0.
  other.lock_.lock();
  while (list) {
    timer_node* node = list;
    list = node->next;
    static_cast<timer*>(node)->home.store(&other, base::relaxed);
    other.wheel_.add(*node, node->when_ns);
  }
  other.next_due_.store(other.wheel_.next_due(), base::relaxed);
  other.lock_.unlock();
}

std::int64_t due_in(std::int64_t delay_ns) noexcept {
  std::int64_t now, due;
  worker* w = this_worker();
  if (this_world() || !w) [[unlikely]] now = now_ns();
  else now = w->deadlines.now();
  if (__builtin_add_overflow(now, delay_ns, &due)) return std::numeric_limits<std::int64_t>::max();
  return due;
}

namespace {

// For threads, and for goroutines whose processor was taken: whoever sets up very many timers comes by here each time.
[[gnu::cold, gnu::noinline]] processor* processor_for_stray(runtime_scope& inside) noexcept {
  worker* w = inside.get();
  processor* p = w && w->current ? rejoin(*w) : nullptr;
  return p ? p : the.processors[0].load(base::acquire);
}

[[gnu::always_inline]] inline timer_set& timers_here(runtime_scope& inside) noexcept {
  if (world* w = this_world()) [[unlikely]] return w->timers();
  processor* p = inside.processor();
  return p ? p->timers : processor_for_stray(inside)->timers;
}

}  // namespace

void arm_timer(timer& t, std::int64_t when_ns) noexcept {
  runtime_scope inside;
  timers_here(inside).arm(t, when_ns);
}

void start_timer(timer& t, std::int64_t when_ns) {
  ensure_started();
  {
    runtime_scope inside;
    timers_here(inside).arm(t, when_ns);
  }
  timer_armed(when_ns);
}

bool stop_timer(timer& t) noexcept {
  base::backoff spin;
  while (true) {
    switch (t.phase.load(base::acquire)) {
      case timer::state::idle: return false;
      case timer::state::armed:
        if (t.home.load(base::acquire)->disarm(t)) return true;
        break;  // it moved to another processor, or fires
      case timer::state::firing: break;
    }
    spin.wait();
  }
}

}  // namespace weft::sched
