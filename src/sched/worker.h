// A worker is an OS thread that runs goroutines. This file holds the handshake that lets others take its processor away.
//
// While a goroutine's own code runs, `inside` is 0, and an outsider (the monitor, or a thief in need) may seize the worker:
// it sets `seized`, makes every thread pass a fence, and looks at `inside`. A worker that enters the runtime sets
// `inside` and looks at `seized`, with only a compiler fence between: the asymmetric Dekker of DESIGN.
//
//   H1  A worker with inside == 1 and seized == none owns its processor's owner-fields. The processor is not taken.
//   H2  An outsider that set seized, fenced, and then read inside == 0 owns them instead, until it clears seized
//       (having only borrowed the queue) or sets it to `detached` (having taken the processor). Outsiders take turns by
//       seize_lock.
//   H3  `detached` stays until the worker itself sees it, at its next entry. Flags belong to the worker, not to the
//       processor: a worker that was about to enter cannot be confused by its former processor's next holder.
//   H4  Between enter and leave a goroutine is not moved except by parking.
//
// thread_locals: the runtime has one, weft_this_worker, read through this_worker() by an instruction that the compiler
// cannot cache; it is read again after every switch. errno is saved and restored only by functions of os/ that cannot be
// inlined, never across a park.
// Refused: flags in the processor (a stale worker writes into somebody else's); a locked instruction on each entry.
// Checked by tests/model/seize_model.cpp and monitor_model.cpp.
#pragma once

#include <cstdint>
#include <pthread.h>
#include <sys/types.h>

#include "arch/is_set.h"
#include "arch/switch.h"
#include "arch/thread_pointer.h"
#include "base/atomic.h"
#include "base/spinlock.h"
#include "os/asymmetric_fence.h"
#include "os/futex.h"
#include "sched/deadline_clock.h"
#include "sched/goroutine.h"
#include "sched/litter.h"
#include "sched/processor.h"

namespace weft::sched {

enum class seizure : std::uint32_t { none, looking, detached };

inline constexpr std::size_t signal_stack_bytes = 64 * 1024;  // where workers handle signals: overflow.cpp, dumps

struct alignas(64) worker {
  base::atomic<std::uint32_t> inside{1};
  base::atomic<seizure> seized{seizure::none};
  processor* held = nullptr;               // H1, H2
  goroutine* current = nullptr;            // null: on the native stack
  exception_globals* exceptions = nullptr; // this thread's __cxa_get_globals()
  arch::context native;                    // the scheduler loop, on the thread's own stack
  [[no_unique_address]] fiber native_fiber;

  // What a switch to the native stack asks it to do (loop.cpp).
  runnable carried;                        // run this next: it could not be switched to directly
  stack::stack_ref dead_stack{};           // release this: its goroutine has ended
  [[no_unique_address]] fiber dead_fiber;  // of that goroutine
  detail::newborn* starting = nullptr;     // what weft_goroutine_main is to run
  cradle_block cradle;                        // litter.h, LT3

  // Mail from whoever wakes this worker: written before wake_word becomes 1, taken after.
  processor* assigned = nullptr;
  runnable assigned_work;
  base::atomic<std::uint32_t> wake_word{0};  // futex; 1: there is mail
  base::spinlock seize_lock{base::lock_rank::seize};
  base::atomic<bool> detached{false};      // runs a goroutine whose processor was taken
  static constexpr std::uint32_t lock_slots = 16;
  base::atomic<const void*> holds[lock_slots] = {};  // biased locks that this thread holds: biased_lock.h, B2
  std::uint32_t unlocked_looks = 0;                  // biased_lock::is_due()
  goroutine* pinned = nullptr;             // runs only here, and nothing else runs here
  base::atomic<bool> waits_pinned{false};  // asleep until its pinned goroutine comes with a processor
  bool is_searching = false;
  visit guest;                             // sharing.h, S5
  contention locks;                        // the same
  refusal refused;                         // steal.h, V4: by its last search
  std::int64_t look_again_ns = os::no_deadline;  // ... and when it looks for that again, asleep meanwhile
  deadline_clock deadlines;
  pid_t tid = 0;
  std::uint64_t random_state = 0;
  base::atomic<const void*> signal_stack{nullptr};   // signal_stack_bytes, from when the worker has begun
  worker* next_idle = nullptr;             // guarded by the idle lock
  bool is_idle = false;                    // guarded by the idle lock: in the list of sleepers
  worker* next_all = nullptr;              // append-only list of all workers
};

extern "C" {
[[gnu::tls_model("initial-exec")]] extern thread_local worker* weft_this_worker;
}

// The calling thread's worker; null on a plain thread. Read again after anything that may park.
inline worker* this_worker() noexcept {
  worker* w;
  WEFT_READ_TLS(w, weft_this_worker);
  return w;
}

// The goroutine that calls; null on a plain thread.
inline goroutine* this_goroutine() noexcept {
  worker* w = this_worker();
  return w ? w->current : nullptr;
}

// Its goroutine's processor was taken: the test before sched::checkpoint(), for those to whom the call matters.
inline bool is_detached() noexcept {
  worker* w = this_worker();
  return w && w->detached.load(base::relaxed);
}

[[gnu::cold]] void wait_while_seized(worker& w) noexcept;

inline void announce(worker& w) noexcept {
  w.inside.store(1, base::relaxed);
  os::light_fence();  // pairs with the heavy fence of seize(): H1, H2
}
inline void enter(worker& w) noexcept {
  announce(w);
  if (arch::is_set(w.seized, base::acquire)) [[unlikely]] wait_while_seized(w);
}
inline void leave(worker& w) noexcept { w.inside.store(0, base::release); }

// For fast paths that hand everything unusual to a function of their own: enters and returns the processor, or returns null
// and is where it was. Unusual: inside already, seized, without a processor.
inline processor* try_enter(worker& w) noexcept {
  if (w.inside.load(base::relaxed) != 0) [[unlikely]] return nullptr;
  announce(w);
  if (!arch::is_set(w.seized, base::acquire) && w.held) [[likely]] return w.held;
  leave(w);  // nothing was touched: whoever seized us may own it
  return nullptr;
}

// Inside the runtime for a scope that does not park. Nests. On a plain thread it does nothing.
class runtime_scope {
 public:
  runtime_scope() noexcept : worker_(this_worker()) {
    if (!worker_) return;
    was_inside_ = worker_->inside.load(base::relaxed);
    if (!was_inside_) enter(*worker_);
  }
  ~runtime_scope() {
    if (worker_ && !was_inside_) leave(*worker_);
  }
  runtime_scope(const runtime_scope&) = delete;
  runtime_scope& operator=(const runtime_scope&) = delete;
  [[nodiscard]] worker* get() const noexcept { return worker_; }
  // Null on a plain thread, and for a goroutine whose processor was taken.
  [[nodiscard]] sched::processor* processor() const noexcept { return worker_ ? worker_->held : nullptr; }

 private:
  worker* worker_;
  std::uint32_t was_inside_ = 0;
};

// Runs `act(w)` with w's owner rights while w runs its goroutine's own code. False: it was inside the runtime.
// `act` returns the seizure to leave behind: none, or detached when it took w.held.
template <class Act>
bool seize(worker& w, Act&& act) noexcept {
  if (!w.seize_lock.try_lock()) return false;
  seizure left_behind = seizure::none;
  bool owned = false;
  if (w.seized.load(base::relaxed) == seizure::none && w.inside.load(base::relaxed) == 0) {
    w.seized.store(seizure::looking, base::relaxed);
    os::heavy_fence();
    owned = w.inside.load(base::acquire) == 0;
    if (owned) left_behind = act(w);
    w.seized.store(left_behind, base::release);
  }
  w.seize_lock.unlock();
  return owned;
}

}  // namespace weft::sched
