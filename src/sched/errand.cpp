#include "sched/errand.h"

#include "os/clock.h"
#include "os/futex.h"
#include "os/process_threads.h"
#include "sched/monitor.h"
#include "sched/runtime.h"

namespace weft::sched {
namespace {

base::atomic<std::uint32_t> state{static_cast<std::uint32_t>(errand_state::idle)};  // futex; of errand_state
base::atomic<std::uint32_t> is_taken{0};                                            // E1
base::atomic<pid_t> runner{0};                                                      // who runs it; 0: nobody
void (*job)(void*) = nullptr;  // these two: written by the poster before `posted`
void* argument = nullptr;

void move_to(errand_state to) noexcept {
  state.store(static_cast<std::uint32_t>(to), base::release);  // pairs with the acquire of the other side
  os::futex_wake(state, 1 << 30);
}
errand_state now() noexcept { return static_cast<errand_state>(state.load(base::acquire)); }

}  // namespace

bool post_errand(void (*what)(void*), void* with) noexcept {
  if (!started.load(base::acquire) || is_taken.exchange(1, base::acq_rel) != 0) return false;
  job = what;
  argument = with;
  move_to(errand_state::posted);
  monitor_notice_errand();
  return true;
}

errand_state wait_for_errand(errand_state at_least, std::int64_t patience_ns) noexcept {
  const std::int64_t until = os::monotonic_ns() + patience_ns;
  while (true) {
    const errand_state seen = now();
    if (seen >= at_least || os::monotonic_ns() >= until) return seen;
    os::futex_wait(state, static_cast<std::uint32_t>(seen), until);
  }
}

void forget_errand() noexcept {
  move_to(errand_state::idle);
  is_taken.store(0, base::release);
}

bool errand_is_posted() noexcept { return now() == errand_state::posted; }

void run_errand() {
  if (!errand_is_posted()) return;
  runner.store(os::thread_id(), base::release);
  move_to(errand_state::begun);
  job(argument);
  runner.store(0, base::relaxed);
  move_to(errand_state::done);
}

void give_up_errand() noexcept {
  const pid_t who = runner.load(base::acquire);
  if (who == 0 || who != os::thread_id()) return;
  move_to(errand_state::faulted);
  while (true) os::futex_wait(state, static_cast<std::uint32_t>(errand_state::faulted), os::no_deadline);
}

}  // namespace weft::sched
