// The scheduler for models: workers, processors and goroutines made of the real sources, threads of the checker under them.
//
// Real and unchanged: everything in src/sched that runs, blocks, wakes, steals, sleeps and retakes (CMakeLists.txt lists the
// files). Stood in for, here and in machine.cpp:
//   - a worker's thread: a thread of the model whose body is run(worker); pthread_create marks a spare one as started
//   - the switch of stacks (arch::switch_to): saves and resumes by setjmp, and stores context.sp, with release order, from a
//     stack of its own, so that the context may be resumed elsewhere before the old worker is off (arch/switch.h, A2)
//   - memory: stacks from a fixed pool (stack/), newborns from the heap (sched/newborn.cpp)
//   - the kernel's answers about threads (os/process_threads.h), settings, dumps, locals
#pragma once

#include <functional>

#include "engine/model.h"
#include "sched/idle.h"
#include "sched/processor.h"
#include "sched/worker.h"

namespace model {

inline constexpr int most_workers = 4;

// Before holds(): the scheduler's globals are part of each execution.
void use_scheduler();

// A runtime with `procs` processors, all idle and none held. Lives as long as the body.
class machine {
 public:
  explicit machine(int procs);
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  [[nodiscard]] weft::sched::processor& processor(int number) noexcept;
  // A worker that holds the processor and is about to look for work. -1: it holds none, and will fall asleep.
  weft::sched::worker& worker_on(int processor);

  // What the worker's thread does: for threads that may sleep.
  static void run(weft::sched::worker& w);

  // The monitor, after weft::sched::start_monitor().
  static void run_monitor();

  // The calling thread of the model becomes w's, inside the runtime: for models that call the scheduler's parts themselves.
  static void become(weft::sched::worker& w) noexcept;
};

// A thread of the model for a worker that the runtime may start (at most three): one that is about to fall asleep is in no
// list yet, and whoever looks for a sleeper then starts another.
thread spare(int number = 0);

// A newborn that runs `body`; for a queue.
weft::sched::runnable goroutine_of(std::function<void()> body);

}  // namespace model
