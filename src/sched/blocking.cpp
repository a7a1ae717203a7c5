// Declared blocking calls and thread pinning: the two ways a goroutine holds on to its thread.
#include <cerrno>

#include <weft/runtime.h>

#include "base/assert.h"
#include "sched/idle.h"
#include "sched/schedule.h"
#include "sched/worker.h"
#include "trace/trace.h"

namespace weft::detail {

using namespace sched;

namespace {

[[gnu::noinline]] int get_errno() noexcept { return errno; }
[[gnu::noinline]] void set_errno(int value) noexcept { errno = value; }

}  // namespace

// The processor goes to another worker at once if anything waits for it, else into the idle list, where whoever makes
// work finds it.
blocking_scope::blocking_scope() : released_(false) {
  worker* w = this_worker();
  if (!w) return;
  enter(*w);
  if (processor* p = std::exchange(w->held, nullptr)) {
    released_ = true;
    if (w->current->born_into) p->births.hand_out(1);  // AC4
    trace::emit(trace::event::block, w->current->id);
    release_processor(p);
  }
  leave(*w);
}

blocking_scope::~blocking_scope() {
  if (!released_) return;
  const int kept_errno = get_errno();
  worker* w = this_worker();
  trace::emit(trace::event::unblock, w->current->id);
  enter(*w);
  // It holds one already if the goroutine parked inside the call and was resumed.
  if (!w->held)
    if (processor* p = take_idle()) hold(*w, p);
  const bool is_running = w->held != nullptr;
  leave(*w);
  if (!is_running) sched::yield();  // queues for a processor
  set_errno(kept_errno);
}

void pin() {
  goroutine* g = this_goroutine();
  if (!g || g->pin_depth++ != 0) return;
  runtime_scope inside;
  g->pinned_to = inside.get();
  inside.get()->pinned = g;
}

void unpin() {
  goroutine* g = this_goroutine();
  if (!g) return;
  weft_assert(g->pin_depth != 0, "thread_pin destroyed by a goroutine that did not make it");
  if (--g->pin_depth != 0) return;
  runtime_scope inside;
  g->pinned_to = nullptr;
  inside.get()->pinned = nullptr;
}

}  // namespace weft::detail
