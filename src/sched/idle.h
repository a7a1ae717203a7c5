// Who has nothing to do, and how they are woken. After Go's proc.go, with pushes where Go steals.
//
// A worker whose processor has nothing to run searches for a while (find_work in loop.cpp), then puts the processor into
// the idle list and sleeps. One idle worker, the watcher, sleeps in the poller until the earliest timer of any processor;
// the others on their futex. Waking a sleeping thread costs 30 µs, so at most one worker is being woken or searching at a
// time; a searcher that finds work wakes the next if there is more.
//
//   P1  A processor is held by a worker, or in the idle list, or retired, or in the hands of one thread that moves it.
//   P2  hungry = processors in the idle list + searchers. It is raised before a worker starts to search and lowered when
//       it has found work.
//   P3  No lost wake-up. Publisher: make work visible; light fence; if hungry, share it and wake somebody unless somebody
//       searches. Sleeper: processor into the idle list, leave the searchers, heavy fence, look everywhere again. One of
//       the two sees the other. For what the sleeper has just failed to take from a worker inside the runtime it looks again
//       after a while, not at once (steal.h, V4).
//   P4  While a processor is idle and a timer or the poller is armed, there is a watcher, a searcher, a worker being woken,
//       or a busy processor that owes a watcher. Whoever arms a timer earlier than watch_deadline pokes it. A watcher that
//       leaves without a processor looks again once it is none: a worker that fell asleep meanwhile relied on it.
//       A processor owes one because to wake somebody takes longer than most goroutines run: so when its worker leaves the
//       watch, or ends its search, with something to run and its turns are short (sharing.h, S8), and when a goroutine arms
//       a timer while nobody watches. It pays at the second entry of the loop that finds more to run (the first one may
//       come for the sake of duties, and what was made ready before would wait for the wake-up); if its turns are short at
//       the owes_for_long'th, counted from the last at which it had nothing to do and found something in the poller. When
//       it goes idle its worker watches itself. A processor that does neither is found by the monitor (M3 in monitor.cpp).
//   P5  What the poller finds is run by who found it: the watcher takes an idle processor itself. Where nobody watches
//       processors look at the poller when they run out of work or poll_interval_ns has passed (loop.cpp), and when none of
//       them has lately the monitor does (M5).
// Checked by tests/model/idle_model.cpp.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/spinlock.h"
#include "sched/poller.h"
#include "sched/processor.h"
#include "sched/watch.h"
#include "sched/worker.h"

namespace weft::sched {

inline constexpr int max_processors = 1024;

struct scheduler {
  // Processors [0, created) exist for ever; those at or above `limit` are retired.
  base::atomic<processor*> processors[max_processors] = {};
  base::atomic<int> created{0};
  base::atomic<int> limit{0};

  alignas(64) base::atomic<std::uint32_t> hungry{0};     // P2; read on every push, written rarely
  alignas(64) base::atomic<std::uint32_t> searching{0};
  base::atomic<std::uint32_t> idle_processors{0};        // length of the idle list
  base::atomic<std::uint32_t> injected{0};               // length of the inject queue
  base::atomic<worker*> watcher{nullptr};
  base::atomic<std::int64_t> watch_deadline{wheel::never};  // a timer armed for earlier is news to the watcher
  density timer_density;                                 // watch.h, G1
  base::atomic<std::int64_t> coarse_now{0};
  base::atomic<worker*> all_workers{nullptr};
  base::atomic<std::uint32_t> workers{0};
  base::atomic<std::uint32_t> idle_workers{0};           // asleep without a processor, the watcher among them
  base::atomic<bool> stopping{false};                    // the process exits: workers stay asleep
  base::atomic<std::uint64_t> spawned_outside{0};        // by callers without a processor
  base::atomic<std::uint64_t> ended_outside{0};
  base::atomic<std::uint64_t> next_id{1};
  base::atomic<std::uint64_t> wakeups{0};                // of sleeping workers
  base::atomic<std::uint64_t> retakes{0};                // written by the monitor

  base::spinlock idle_lock{base::lock_rank::idle};
  processor* idle_list = nullptr;     // guarded by idle_lock; most recently idle first
  worker* sleeping = nullptr;         // guarded by idle_lock; most recently asleep first
  private_queue* inject = nullptr;    // guarded by idle_lock: work from outside the processors
};
[[gnu::visibility("hidden")]] extern scheduler the;

// Queues work that no processor made, and wakes somebody for it.
void inject(runnable work);
runnable take_one_injected();                                        // the oldest; null: none
std::uint32_t take_injected(processor& into, std::uint32_t most);  // owner; moves a fair share to its queue

// Owner: moves part of the queue to where thieves find it. Tells nobody.
void stock(processor& p);
// Owner, when somebody is hungry: moves part of the queue to where thieves find it and wakes one (P3).
void feed(processor& p);

// If a processor is idle and nobody searches: wakes or starts a worker with that processor, searching.
void wake_one();

// Gives the processor to another worker, asleep or started for it, which first runs `carried` if there is any. Without
// carried work the caller has counted the receiver among the searchers and the hungry.
void hand_over(processor* p, runnable carried = {});
void hand_over_to(worker& w, processor* p, runnable carried = {});

// A searcher has found work, or its processor got some.
void stop_searching(worker& w);
bool work_is_visible(refusal refused = {}) noexcept;  // ... but for what was refused: steal.h, V4

// The worker becomes the holder of a processor in the caller's hands.
void hold(worker& w, processor* p) noexcept;
// The same for one that was asleep and runs `carried` first, or is counted among the searchers.
void begin(worker& w, processor* p, runnable carried) noexcept;
// A sleeping worker sees to its own awakening. False: it is no sleeper any more, as somebody has assigned it a processor.
[[nodiscard]] bool leave_sleepers(worker& w) noexcept;

// The same for one that has something to run and takes a processor for it, and searches. False: no processor is idle, or
// somebody searches already and will find it. True: it holds one, unless it is no sleeper any more.
[[nodiscard]] bool wake_self(worker& w);
// V4 in steal.h: the time has come, and there is work still.
[[nodiscard]] bool is_worth_another_look(worker& w, std::int64_t now) noexcept;

// The pinned worker's sleep: until another worker hands it a processor with its goroutine.
void wait_for_mail(worker& w) noexcept;

// Puts the processor into the idle list. The caller sees to P3 and P4.
void put_idle(processor* p);
// For a worker that goes on without it, in a blocking call or pinned: to another worker at once if there is work.
void release_processor(processor* p);
// Takes a processor from the idle list; null when none is idle.
processor* take_idle() noexcept;
// The same for a goroutine that has lost its own: it need not wait for one here.
processor* rejoin(worker& w) noexcept;

// Sleeps until w.held is a processor, with w.carried to run first if that is not null. A processor held before is put
// into the idle list.
void go_idle(worker& w);

// What the poller has found, onto the queue of the caller's processor, or from outside all processors.
void queue_ready(processor& p, const ready_list& found);  // owner; tells nobody
runnable queue_all_but_first(processor& p, const ready_list& found);  // owner; returns the first
void inject_ready(const ready_list& found);

// Starts a worker thread with its first assignment. Dies with a message at the limit of threads.
void start_worker(processor* p, runnable carried);

template <class F>
void for_each_processor(F&& f) {
  const int count = the.created.load(base::acquire);
  for (int i = 0; i < count; ++i) f(*the.processors[i].load(base::acquire));
}

}  // namespace weft::sched
