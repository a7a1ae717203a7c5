// Taking work from other processors: what a searching worker does (loop.cpp).
//
//   V1  What a processor has shared or offered is for the taking: it has told others of it (sharing.h). An offered
//       goroutine only once it was seen offered for offer_ns: its owner usually runs it within that time, with its data in
//       cache.
//   V2  What is in a processor's own queues is taken by seizing its worker (worker.h), and only when it was seen to make no
//       scheduling decision for stuck_ns: its goroutine sits in its own code, and what waits would wait for long. Seizing
//       costs the thief 8 µs and interrupts the victim.
//   V3  A quiet processor is left alone (sharing.h, S5).
//   V4  A worker that refuses to be seized is inside the runtime: in a sweep of timers, or where the kernel has interrupted
//       it. It tells the hungry ones of its work when it goes on, unless it had just looked for them. So a thief that was
//       refused falls asleep, to look again after refused_look_ns; at once only if a decision was made there meanwhile. When
//       it looked at once for whatever was in line there, it kept the refuser off the CPU that both were on, and a seventh of
//       the CPU time of ten thousand sleepers on two processors went into looking.
// Looking is not free for those looked at: each look takes cache lines from them that they write all the time. So the loop
// pauses for longer and longer between two looks.
#pragma once

#include <cstdint>

#include "sched/processor.h"
#include "sched/runnable.h"
#include "sched/worker.h"

namespace weft::sched {

// What a search remembers between two rounds.
struct search {
  bool fires_timers = true;            // watch.h, G3
  std::uintptr_t offered = 0;
  std::int64_t offered_since_ns = 0;
  const processor* suspect = nullptr;  // V2: a processor with work, that ...
  std::uint32_t suspect_tick = 0;      // ... had taken this many decisions ...
  std::int64_t suspect_since_ns = 0;   // ... then
  std::uint32_t taken = 0;             // by the look that found something
};

// One look at all others. Owner of w.held: what is found beyond the first is in its queue.
runnable look_around(worker& w, search& notes, std::int64_t now);

}  // namespace weft::sched
