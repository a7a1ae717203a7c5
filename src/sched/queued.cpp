// The queues of a processor belong to its holder, so its worker is seized for the time of looking, as thieves do (worker.h,
// H2); the inject queue is looked at under its lock. A newborn that thieves may take while we look (the offer, the shared
// queue) is left out: its block may be gone.
#include "sched/queued.h"

#include "base/pause.h"
#include "os/clock.h"
#include "sched/idle.h"
#include "sched/seam.h"

namespace weft::sched {
namespace {

constexpr std::int64_t patience_ns = 2'000'000;

class note_taker {
 public:
  explicit note_taker(std::span<queued_note> notes) noexcept : notes_(notes) {}
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

  void add(runnable work) noexcept {
    if (!work || used_ == notes_.size()) return;
    queued_note& note = notes_[used_++];
    note = {.word = work.word()};
    if (!work.is_newborn()) return;
    const detail::newborn& n = *work.as_newborn();
    note.id = n.id;
    note.creator = n.creator;
    note.start_site = n.start_site;
    note.more = n.more;
    using kind = detail::newborn_kind;
    note.name = n.kind == kind::in_world ? n.membership->name : n.kind == kind::named ? n.name : "";
  }
  void add_shared(runnable work) noexcept {
    if (!work.is_newborn()) add(work);
  }

 private:
  std::span<queued_note> notes_;
  std::size_t used_ = 0;
};

void note_own(processor& p, note_taker& notes) noexcept {
  const std::int64_t give_up = os::monotonic_ns() + patience_ns;
  do {
    worker* w = p.holder.load(base::acquire);
    if (!w) return;
    bool looked = false;
    seize(*w, [&](worker& seized) {
      if (seized.held == &p) {
        notes.add(runnable(p.next.load(base::relaxed)));
        p.queue.for_each([&](runnable work) { notes.add(work); });
      }
      looked = true;
      return seizure::none;
    });
    if (looked) return;
    base::pause();
  } while (os::monotonic_ns() < give_up);
}

void note_injected(note_taker& notes) noexcept {
  const std::int64_t give_up = os::monotonic_ns() + patience_ns;
  while (!the.idle_lock.try_lock()) {
    if (os::monotonic_ns() > give_up) return;
    base::pause();
  }
  if (the.inject) the.inject->for_each([&](runnable work) { notes.add(work); });
  the.idle_lock.unlock();
}

}  // namespace

std::size_t count_queued() noexcept {
  std::size_t sum = the.injected.load(base::relaxed);
  for_each_processor([&](processor& p) { sum += p.queue.size() + p.shared.size() + 2; });
  return sum;
}

std::size_t note_queued(std::span<queued_note> room) noexcept {
  note_taker notes(room);
  for_each_processor([&](processor& p) {
    note_own(p, notes);
    notes.add_shared(runnable(p.offer.load(base::relaxed)));
    p.shared.for_each([&](runnable work) { notes.add_shared(work); });
  });
  note_injected(notes);
  return notes.used();
}

}  // namespace weft::sched
