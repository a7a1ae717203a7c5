// Taking a worker's processor, or part of its queue, while its goroutine computes: sched/worker.h, H1 to H4.
//
//   Z1  (H1, H2) The owner's plain fields are touched by one at a time: the worker inside the runtime, or who seized it. The
//       checker reports any other access as a data race, so this model says nothing of it.
//   Z2  (H3) A detached worker sees it at its next entry, holds nothing then, and is not seized any more.
//   Z3  What was queued is found once: by the owner, by the thief, or by who took the processor.
#include <gtest/gtest.h>

#include <utility>

#include "machine.h"

namespace {

using namespace weft;
using sched::seizure;

struct scene {
  model::machine m{1};
  sched::worker& w = m.worker_on(0);
  sched::processor& p = m.processor(0);
  std::uintptr_t pushed = 0;
  int found[8] = {};
  sched::processor* taken = nullptr;  // by the monitor

  scene() {
    w.current = reinterpret_cast<sched::goroutine*>(64);  // some goroutine: nobody looks inside
    sched::leave(w);
  }
  void note(sched::runnable work) {
    if (work) ++found[work.word()];
  }

  // The worker's goroutine calls the runtime: an owner's work, if it still is one.
  void visit(int pushes) {
    sched::enter(w);
    model::check(w.seized.load(base::relaxed) != seizure::detached, "Z2: detachment was seen at the entry");
    if (sched::processor* mine = w.held) {
      ++mine->polled_tick;  // some plain field of the owner's
      for (; pushes > 0; --pushes) mine->queue.push(sched::runnable(++pushed));
      note(mine->queue.pop(w.cradle));
    } else {
      model::check(w.detached.load(base::relaxed), "Z2: only a detached worker holds nothing");
    }
    sched::leave(w);
  }
  // As take_by_force in loop.cpp.
  void steal() {
    sched::runnable loot[2];
    sched::seize(w, [&](sched::worker& victim) {
      if (victim.held != &p) return seizure::none;
      ++p.polled_tick;
      for (auto& work : loot) work = p.queue.pop_for_others();
      return seizure::none;
    });
    for (auto work : loot) thief_found[thief_count++] = work;
  }
  // As retake in monitor.cpp.
  void take() {
    sched::seize(w, [&](sched::worker& stuck) {
      if (stuck.held != &p || !stuck.current) return seizure::none;
      taken = std::exchange(stuck.held, nullptr);
      stuck.detached.store(true, base::relaxed);
      return seizure::detached;
    });
    if (!taken) return;
    ++taken->polled_tick;  // it is the monitor's from here on
    rest = taken->queue.pop_for_others();
  }

  sched::runnable thief_found[4], rest;
  int thief_count = 0;

  void check_all() {
    for (auto work : thief_found) note(work);
    note(rest);
    while (sched::runnable work = p.queue.pop_for_others()) note(work);
    for (std::uintptr_t word = 1; word <= pushed; ++word) model::check(found[word] == 1, "Z3: each is found once");
  }
};

void worker_and_monitor() {
  scene s;
  model::parallel({{"worker", [&] { s.visit(2); s.visit(1); s.visit(1); }}, {"monitor", [&] { s.take(); }}});
  s.check_all();
}

void worker_thief_and_monitor() {
  scene s;
  model::parallel({{"worker", [&] { s.visit(2); s.visit(1); }},
                   {"thief", [&] { s.steal(); }},
                   {"monitor", [&] { s.take(); }}});
  s.check_all();
}

TEST(seize, every_interleaving_of_worker_and_monitor) {
  model::use_scheduler();
  model::holds({.preemptions = model::all, .stale_reads = model::all}, worker_and_monitor);
}
TEST(seize, thief_and_monitor_take_turns) {
  model::use_scheduler();
  model::holds({.preemptions = 2, .stale_reads = 2}, worker_thief_and_monitor);
}

constexpr model::bound for_mutants{.preemptions = 3, .stale_reads = 2};

void is_caught(const model::mutation& mistake) {
  model::use_scheduler();
  model::caught(mistake, for_mutants, worker_thief_and_monitor);
}

TEST(seize, mutant_seize_without_heavy_fence_is_caught) { is_caught(model::drop("sched/worker.h", "os::heavy_fence();")); }
TEST(seize, mutant_enter_does_not_announce_itself_is_caught) {
  is_caught(model::drop("sched/worker.h", "w.inside.store(1, base::relaxed);"));
}
TEST(seize, mutant_enter_reads_seized_without_acquire_is_caught) {
  is_caught(model::weaken("sched/worker.h", "if (arch::is_set(w.seized, base::acquire)) [[unlikely]] wait_while"));
}
TEST(seize, mutant_leave_without_release_is_caught) {
  is_caught(model::weaken("sched/worker.h", "w.inside.store(0, base::release)"));
}
TEST(seize, mutant_outsider_reads_inside_without_acquire_is_caught) {
  is_caught(model::weaken("sched/worker.h", "owned = w.inside.load(base::acquire) == 0;"));
}
TEST(seize, mutant_outsider_lets_go_without_release_is_caught) {
  is_caught(model::weaken("sched/worker.h", "w.seized.store(left_behind, base::release);"));
}
TEST(seize, mutant_waiting_worker_reads_seized_without_acquire_is_caught) {
  is_caught(model::weaken("sched/worker.cpp", "while ((now = w.seized.load(base::acquire)) == seizure::looking)"));
}

}  // namespace
