#include "sleepers.h"

#include "engine/model.h"
#include "os/futex.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"
#include "sched/thread_sleeper.h"
#include "sched/worker.h"

namespace weft::sched {

thread_local worker* weft_this_worker = nullptr;
base::atomic<std::uint32_t> worlds_alive{0}, explorations_alive{0};

member* this_member() noexcept { return nullptr; }
void reach_point(const char*, bool) {}

// Reached while worlds_alive is not 0. random_below(n) takes the upper bits: sixths give every choice for n = 1, 2 and 3.
std::uint64_t next_random_seeded(std::uint64_t&) noexcept {
  constexpr std::uint64_t sixth = (std::uint64_t{1} << 63) / 3;
  return static_cast<std::uint64_t>(model::choose(6)) * sixth + sixth / 2;
}

namespace {

thread_sleeper all[8];  // by the number of the engine's thread

thread_sleeper& mine() noexcept { return all[model::thread_number()]; }

bool wait_for_permit(std::int64_t deadline_ns) noexcept {
  thread_sleeper& me = mine();
  while (me.permit.load(base::acquire) == 0) {
    if (deadline_ns <= model::now_ns()) return false;
    os::futex_wait(me.permit, 0, deadline_ns);
  }
  me.permit.store(0, base::relaxed);
  return true;
}

}  // namespace

detail::sleeper* self() noexcept { return &mine(); }

void park(wait_reason, const void*) { wait_for_permit(os::no_deadline); }

// As in sched/schedule.cpp for plain threads.
void park_until(std::int64_t deadline_ns, base::atomic<std::uint32_t>& claim, std::uint32_t index, wait_reason,
                const void*) {
  if (wait_for_permit(deadline_ns)) return;
  std::uint32_t open = 0;
  if (claim.compare_exchange_strong(open, index, base::acq_rel, base::acquire)) return;
  wait_for_permit(os::no_deadline);
}

void ready(detail::sleeper* who) {
  auto& sleeper = static_cast<thread_sleeper&>(*who);
  model::check(sleeper.permit.exchange(1, base::acq_rel) == 0, "G2: made runnable twice for one park");
  os::futex_wake(sleeper.permit, 1);
}

void ready_here(detail::sleeper* who) { ready(who); }
bool note_contention() noexcept { return false; }

void ready_all(detail::waiter* first) {
  while (first) {
    detail::waiter* next = first->next;
    ready(first->who);
    first = next;
  }
}

void checkpoint() {}

// Of the short ways to park and to make ready: nobody here is a goroutine, so they are not taken.
scheduler the;
void share_and_leave(worker&, processor&) { model::check(false, "the short way of a wake-up was taken by a thread"); }
void release_dead_stack(worker&) {}

}  // namespace weft::sched

void weft::arch::model_switch(context&, context&, void*) noexcept { model::check(false, "a thread has switched stacks"); }

namespace sleepers {

void check_no_wake_is_left_over() noexcept {
  for (auto& sleeper : weft::sched::all)
    model::check(sleeper.permit.load(weft::base::relaxed) == 0, "G2: made runnable without a park");
}

void explore_random_choices() noexcept { weft::sched::worlds_alive.store(1, weft::base::relaxed); }

}  // namespace sleepers
