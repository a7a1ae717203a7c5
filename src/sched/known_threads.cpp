#include "sched/known_threads.h"

#include "base/spinlock.h"
#include "os/process_threads.h"
#include "sched/thread_sleeper.h"

namespace weft::sched {
namespace {

constinit base::spinlock list_lock;
constinit thread_sleeper* listed = nullptr;  // guarded by list_lock
base::atomic<std::size_t> count{0};          // written under list_lock

// The sleeper itself has no destructor: other thread_locals may park while the thread ends.
struct leaves_at_end {
  thread_sleeper* who = nullptr;
  ~leaves_at_end() {
    base::locked hold(list_lock);
    for (thread_sleeper** at = &listed; *at; at = &(*at)->next_listed) {
      if (*at != who) continue;
      *at = who->next_listed;
      count.add_owned(std::size_t{0} - 1);
      return;
    }
  }
};

}  // namespace

void list_thread(thread_sleeper& me) noexcept {
  static thread_local leaves_at_end mine;
  mine.who = &me;
  me.thread = os::thread_id();
  base::locked hold(list_lock);
  me.next_listed = listed;
  listed = &me;
  count.add_owned(1);
}

std::size_t listed_threads() noexcept { return count.load(base::relaxed); }

std::size_t note_parked_threads(std::span<thread_note> notes) noexcept {
  std::size_t filled = 0;
  base::locked hold(list_lock);
  for (const thread_sleeper* t = listed; t && filled < notes.size(); t = t->next_listed) {
    const park_kind how = park_of(*t);
    if (how == park_kind::none) continue;
    notes[filled++] = {.thread = t->thread,
                       .reason = t->reason.load(base::relaxed),
                       .object = t->object.load(base::relaxed),
                       .since_ns = t->since_ns.load(base::relaxed),
                       .frame = t->frame.load(base::relaxed),
                       .is_for_good = how == park_kind::for_good};
  }
  return filled;
}

}  // namespace weft::sched
