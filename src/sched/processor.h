// A processor is the right to run goroutines: queues, timers and caches. There are procs() of them. A worker must hold one
// to run goroutines; a goroutine whose processor was taken away runs on as a plain thread does (monitor.cpp).
//
// Who may touch what:
//   owner   fields of the worker that holds the processor while it is inside the runtime, or of whoever seized that worker
//           (worker.h); of whoever took it from the idle list
//   shared  anybody
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "sched/account.h"
#include "sched/newborn.h"
#include "sched/own_queue.h"
#include "sched/pace.h"
#include "sched/run_queue.h"
#include "sched/timers.h"
#include "stack/stack.h"

namespace weft::sched {

class due_calls;
struct worker;

// Reasons to leave the fast path at the next scheduling point.
enum attention : std::uint32_t {
  attention_duties = 1,   // timers or the poller may be due
  attention_slice = 2,    // the pair in the next slot has used up its time
  attention_retire = 4,   // this processor is above procs()
};

struct alignas(64) processor {
  explicit processor(int number) noexcept : index(number) {}
  const int index;

  // owner
  base::atomic<std::uintptr_t> next{0};        // runs before the queue: the goroutine just made ready. Others may look
  own_queue queue;
  account births;                              // of one group
  base::atomic<std::uint32_t> tick{0};         // scheduling decisions taken
  base::atomic<std::uint32_t> queue_tick{0};   // the last of them that the queue, not the next slot, was served by
  std::uint32_t duty_tick = 0;                 // the decision at which the duties were last done ...
  base::atomic<std::uint32_t> duties_at{64};   // ... and at which they are due next: loop.cpp, L3. Others may look
  std::uint8_t visits_expected = 0;            // for so many turns of the loop thieves are taken to come again: sharing.h, S7
  bool injected_first = false;                 // whose turn it is: the inject queue or the own shared queue
  base::atomic<std::int64_t> polled_ns{0};     // when its worker last looked at the poller. Others may look
  std::uint32_t polled_tick = 0;               // ... after how many decisions
  std::uint32_t queued_when_polled = 0;        // ... and how many were queued then
  sched::pace pace;
  std::uint8_t owes_watcher = 0;               // to be paid at so many'th entry of the loop: idle.h, P4
  base::atomic<std::uint64_t> id_first{0}, id_last{0};  // goroutine ids reserved for this processor. Others may look
  std::uint64_t random_state = 0x9E3779B97F4A7C15ULL;
  base::atomic<std::uint64_t> spawned{0};
  base::atomic<std::uint64_t> ended{0};
  base::atomic<std::uint64_t> steals{0};       // searches that took work from another processor
  due_calls* gathers = nullptr;                // not null while it fires timers: due_calls.h
  stack::cache stacks;
  newborn_cache newborns;

  // shared
  alignas(64) base::atomic<std::uintptr_t> offer{0};  // a goroutine for whoever takes it first, owner or thief
  base::atomic<bool> offer_taken{false};       // ... by a thief; the owner takes note and clears it: sharing.h, S4
  base::atomic<std::uint32_t> attention{0};
  base::atomic<worker*> holder{nullptr};       // null: idle or retired
  shared_queue shared;
  base::atomic<bool> was_visited{false};       // a thief took from it; the owner takes note and clears it: sharing.h, S7
  timer_set timers;
  base::atomic<std::int64_t> quiet_until_ns{0};  // nobody takes goroutines from here before that: sharing.h, S5
  base::atomic<std::int64_t> quiet_ns{0};        // how long the last such time was; 0: no reason since

  // guarded by the idle lock
  processor* next_idle = nullptr;
  bool is_retired = false;

  // monitor's notes
  std::uint32_t seen_tick = 0, seen_queue_tick = 0, seen_duties_at = 0;
  std::int64_t seen_since_ns = 0, seen_queue_since_ns = 0;
  std::int64_t seen_cpu_ns = -1;

  [[nodiscard]] bool has_work() const noexcept {
    return !queue.empty() || shared.size() != 0 || next.load(base::relaxed) != 0 || offer.load(base::relaxed) != 0;
  }
};

}  // namespace weft::sched
