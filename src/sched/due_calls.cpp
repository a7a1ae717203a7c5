#include "sched/due_calls.h"

#include <utility>

#include "sched/birth.h"
#include "sched/idle.h"
#include "sched/loop.h"
#include "trace/trace.h"

namespace weft::sched {

struct due_calls::batch {
  static constexpr int block_class = detail::newborn_classes - 1;
  static constexpr std::uint32_t most = 24;

  detail::newborn first;   // the next of them
  void (*call)(void*);     // what they have in common
  std::uint32_t taken;     // so many have begun
  void* subjects[most];

  [[nodiscard]] bool takes(void (*what)(void*), std::uint64_t id) const noexcept {
    return call == what && first.more + 1u < most && first.id + first.more + 1 == id;
  }
};

namespace {

// Sites are return addresses: this one is of a call in that function, which is what is told of.
const void* site_in(void (*call)(void*)) noexcept { return reinterpret_cast<const std::byte*>(call) + 1; }

}  // namespace

due_calls::~due_calls() {
  p_.gathers = nullptr;
  queue_open();
}

void due_calls::queue_open() {
  if (batch* const full = std::exchange(open_, nullptr)) push(p_, runnable(&full->first));
}

void due_calls::add(void (*call)(void*), void* subject) {
  static_assert(sizeof(batch) <= detail::newborn_block_bytes[batch::block_class]);
  const std::uint64_t id = take_id(p_);
  p_.spawned.add_owned(1);
  trace::emit(trace::event::spawn, id, reinterpret_cast<std::uintptr_t>(site_in(call)));
  if (open_ && open_->takes(call, id)) {
    open_->subjects[++open_->first.more] = subject;
    return;
  }
  queue_open();
  detail::newborn* const n = detail::newborn_allocate(batch::block_class);
  n->run = begin;
  n->id = id;
  n->creator = 0;
  n->start_site = site_in(call);
  open_ = reinterpret_cast<batch*>(n);
  open_->call = call;
  open_->taken = 0;
  open_->subjects[0] = subject;
}

namespace {

// DC3.
inline void queue_again(detail::newborn* n) {
  runtime_scope inside;
  processor* const p = inside.processor();
  if (!p) [[unlikely]] return inject(runnable(n));
  p->queue.push_front(runnable(n));
  share_if_hungry(*p);
}

}  // namespace

void due_calls::begin(detail::newborn* n) {
  auto& b = *reinterpret_cast<batch*>(n);
  void (*const call)(void*) = b.call;
  void* const subject = b.subjects[b.taken];
  if (n->more == 0) {
    detail::newborn_free(n);
  } else {
    ++b.taken;
    ++n->id;
    --n->more;
    queue_again(n);
  }
  call(subject);
}

void start_due_call(void (*call)(void*), void* subject) {
  worker* const w = this_worker();
  processor* const p = w && !w->current ? w->held : nullptr;
  if (!has_fibers && p && p->gathers) return p->gathers->add(call, subject);
  spawn_at(detail::make_newborn([call, subject] { call(subject); }), site_in(call));
}

}  // namespace weft::sched
