// Waiting for several foreign descriptors: a waiter in each queue, one claim word for all of them (detail/waiter.h, W2).
#include <new>

#include "poll/foreign.h"
#include "sched/schedule.h"

namespace weft::poll::foreign {

struct wait_any::place {
  explicit place(const watch& w) : descriptor(w.fd), wanted{w.read, w.write} {}
  use descriptor;
  const bool wanted[2];
  std::uint64_t seen[2] = {0, 0};  // the edge before the caller looked
  detail::waiter requests[2];
};

wait_any::wait_any(std::span<const watch> watches) : places_(reinterpret_cast<place*>(inline_)) {
  static_assert(sizeof(place) * few <= sizeof inline_);
  if (watches.size() > few) places_ = static_cast<place*>(::operator new(watches.size() * sizeof(place)));
  for (const watch& w : watches) {
    place& p = *::new (places_ + count_++) place(w);
    for (auto d : {direction::read, direction::write}) {
      const auto i = static_cast<unsigned>(d);
      p.seen[i] = p.descriptor->ready().edge(d);
      p.requests[i].who = sched::self();
      p.requests[i].claim = &claim_;
      p.requests[i].index = changed;
    }
    if (const int error = p.descriptor.renew()) failed_ = error;  // after the edge was noted: what it tells is a change
  }
}

wait_any::~wait_any() {
  for (std::size_t i = 0; i < count_; ++i) places_[i].~place();
  if (places_ != reinterpret_cast<place*>(inline_)) ::operator delete(places_);
}

void wait_any::look() noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    for (auto d : {direction::read, direction::write})
      places_[i].seen[static_cast<unsigned>(d)] = places_[i].descriptor->ready().edge(d);
}

// False: something has changed already; those before it are queued.
bool wait_any::enlist_all() noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    place& p = places_[i];
    for (auto d : {direction::read, direction::write}) {
      const auto side = static_cast<unsigned>(d);
      if (!p.wanted[side]) continue;
      p.descriptor->ready().drained(d, p.seen[side]);
      if (p.descriptor->ready().enlist(d, p.requests[side])) return false;
    }
  }
  return true;
}

bool wait_any::wait(std::int64_t deadline_ns) {
  claim_.store(0, base::relaxed);
  if (enlist_all()) {
    if (deadline_ns == os::no_deadline) sched::park(sched::wait_reason::io_wait, this);
    else sched::park_until(deadline_ns, claim_, too_late, sched::wait_reason::io_wait, this);
  } else {
    std::uint32_t open = 0;
    // Somebody has woken us already: his ready() is on the way.
    if (!claim_.compare_exchange_strong(open, bailed_out, base::acq_rel, base::acquire))
      sched::park(sched::wait_reason::io_wait, this);
  }
  for (std::size_t i = 0; i < count_; ++i)
    for (auto d : {direction::read, direction::write})
      places_[i].descriptor->ready().withdraw(d, places_[i].requests[static_cast<unsigned>(d)]);
  return claim_.load(base::acquire) != too_late;
}

}  // namespace weft::poll::foreign
