#include "chan/channel.h"

#include "chan/waits_on.h"

#include <new>

#include <weft/error.h>

#include "base/assert.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sched/short_way.h"

namespace weft::detail {

using sched::wait_reason;

waiter* channel::take_all_waiters() noexcept {
  waiter* all = nullptr;
  waiter** end = &all;
  for (waiter_queue* queue : {&receivers, &senders}) {
    while (waiter* w = queue->pop()) {
      w->success = false;
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
  }
  return all;
}

void channel::drain() noexcept {
  for (std::size_t left = occupied.load(base::relaxed); left > 0; --left) {
    base::race::acquire(place(first));
    destroy(ring + first * element_size);
    if (++first == capacity) first = 0;
  }
  occupied.store(0, base::relaxed);
}

void throw_closed_send() { throw misuse("send on closed channel"); }

// Room between the beginning of the block, to which others point (the allocator, what is left of its result on stacks), and
// the channel: for the address that handles keep.
constexpr std::size_t before = 16;
static_assert(channel_ref::distance < before);

channel* channel_make(std::size_t capacity, const element_type& type) {
  constexpr std::size_t header = before + (sizeof(channel) + 15) / 16 * 16;
  const std::size_t align = type.align > 16 ? type.align : 16;
  const std::size_t offset = (header + align - 1) / align * align;
  std::size_t bytes;
  const std::size_t stride = base::race::is_watched && type.size == 0 ? 1 : type.size;  // C6: places need addresses
  if (__builtin_mul_overflow(capacity, stride, &bytes) || __builtin_add_overflow(bytes, offset, &bytes))
    throw std::bad_alloc();
  auto* memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{align}));
  return ::new (memory + before) channel(capacity, type, memory + offset);
}

void channel_retain(channel* ch) noexcept { ch->references.fetch_add(1, base::relaxed); }

void channel_release(channel* ch) noexcept {
  // The last handle is nobody else's to copy: no read-modify-write then. acquire: pairs with the others' releases.
  if (ch->references.load(base::acquire) != 1 && ch->references.fetch_sub(1, base::acq_rel) != 1) return;
  weft_dassert(ch->receivers.empty() && ch->senders.empty(), "a channel died with waiters");
  ch->drain();
  if (ch->on_last_release) return ch->on_last_release(ch);
  const std::size_t align = ch->type.align > 16 ? ch->type.align : 16;
  ch->~channel();
  ::operator delete(reinterpret_cast<std::byte*>(ch) - before, std::align_val_t{align});
}

namespace {

[[noreturn]] void park_for_ever(wait_reason reason) {
  while (true) sched::park(reason, nullptr);
}

// Queues a waiter and parks. REQUIRES: ch.lock held; returns without it. True: served, false: closed. Inlined, as each
// frame that a switch leaves and comes back to costs a return that the CPU predicts for the other goroutine.
[[gnu::always_inline]] WEFT_SWITCHES_STACKS inline bool wait(channel& ch, waiter_queue& queue, void* value, wait_reason reason) {
  waiter me;
  sched::worker* const w = sched::this_worker();
  sched::goroutine* const g = w ? w->current : nullptr;
  me.who = g ? g : sched::self();
  me.value = value;
  base::race::release(&me);
  ch.note_change();
  queue.push_back(me);
  ch.lock.unlock();
  if (!g || !sched::is_usual() || !sched::park_shortly(*w, reason, &ch)) sched::park(reason, &ch);
  ch.note_served(me);
  return me.success;
}

WEFT_PARKS bool wait_to_receive(channel& ch, void* storage) {
  return wait(ch, ch.receivers, storage, wait_reason::chan_receive);
}
WEFT_PARKS void wait_to_send(channel& ch, void* value) {
  if (!wait(ch, ch.senders, value, wait_reason::chan_send)) throw_closed_send();
}

// The rest of an operation whose channel is locked, whichever way.
WEFT_LEADS_TO_PARKS void send_locked(channel& ch, void* value) {
  if (ch.closed.load(base::relaxed)) [[unlikely]] {
    ch.lock.unlock();
    throw_closed_send();
  }
  waiter* receiver = nullptr;
  if (ch.send_now(value, receiver)) {
    ch.lock.unlock();
    if (receiver) sched::ready(receiver->who);
    return;
  }
  wait_to_send(ch, value);
}

WEFT_LEADS_TO_PARKS bool recv_locked(channel& ch, void* storage) {
  waiter* sender = nullptr;
  if (ch.recv_now(storage, sender)) {
    ch.lock.unlock();
    if (sender) sched::ready(sender->who);
    return true;
  }
  base::race::acquire(&ch.closed);  // nothing before the close
  if (ch.closed.load(base::relaxed)) {
    ch.lock.unlock();
    return false;
  }
  return wait_to_receive(ch, storage);
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]] void send_the_long_way(channel* ch, void* value) {
  sched::point("chan send");
  if (!ch) park_for_ever(wait_reason::chan_send_nil);
  base::race::as_read(&ch->closed);
  if (sched::is_detached()) [[unlikely]] sched::checkpoint();
  ch->lock.lock();
  send_locked(*ch, value);
}

WEFT_LEADS_TO_PARKS [[gnu::noinline]] bool recv_the_long_way(channel* ch, void* storage) {
  sched::point("chan receive");
  if (!ch) park_for_ever(wait_reason::chan_receive_nil);
  if (sched::is_detached()) [[unlikely]] sched::checkpoint();
  ch->lock.lock();
  return recv_locked(*ch, storage);
}

// The short ways: nothing is unusual, the lock is free, the elements are moved by a few instructions, and whoever is to be
// served sleeps in no select. They call others by a jump at their end, so they save no registers, and those who sleep
// there return to the caller.
[[gnu::always_inline]] inline sched::worker* lock_shortly(channel* ch) noexcept {
  sched::worker* const w = sched::usual_worker();
  return w && ch && ch->lock.try_lock(*w) ? w : nullptr;
}

// A waiter of a channel without a buffer has been served. True, as its caller goes on to say.
[[gnu::always_inline]] inline bool unlock_and_wake(channel& ch, sched::worker& w, waiter& served) {
  sleeper* const who = served.who;
  served.success = true;
  ch.lock.unlock_for(&w);
  if (!sched::ready_shortly(w, who)) [[unlikely]] sched::ready(who);
  return true;
}

}  // namespace

WEFT_LEADS_TO_PARKS void channel_send(channel* ch, void* value) {
  sched::worker* const w = lock_shortly(ch);
  if (!w) [[unlikely]] return send_the_long_way(ch, value);
  waiter* const receiver = ch->receivers.front();
  if (arch::is_set(ch->closed, base::relaxed) || !ch->moves_shortly) [[unlikely]] return send_locked(*ch, value);
  if (receiver) {
    if (receiver->claim) [[unlikely]] return send_locked(*ch, value);
    ch->note_change();
    ch->receivers.remove_front(*receiver);
    ch->move_shortly(receiver->value, value);
    unlock_and_wake(*ch, *w, *receiver);
    return;
  }
  if (ch->occupied.load(base::relaxed) == ch->capacity) return wait_to_send(*ch, value);
  ch->note_change();
  ch->put<true>(value);
  ch->lock.unlock_for(w);
}

WEFT_LEADS_TO_PARKS bool channel_recv(channel* ch, void* storage) {
  sched::worker* const w = lock_shortly(ch);
  if (!w) [[unlikely]] return recv_the_long_way(ch, storage);
  waiter* const sender = ch->senders.front();
  const std::size_t count = ch->occupied.load(base::relaxed);
  if (!ch->moves_shortly || (sender && (count != 0 || sender->claim))) [[unlikely]] return recv_locked(*ch, storage);
  if (count != 0) {
    ch->note_change();
    ch->take<true>(storage);
    ch->lock.unlock_for(w);
    return true;
  }
  if (sender) {
    ch->note_change();
    ch->senders.remove_front(*sender);
    ch->move_shortly(storage, sender->value);
    return unlock_and_wake(*ch, *w, *sender);
  }
  if (ch->closed.load(base::relaxed)) [[unlikely]] return recv_locked(*ch, storage);
  return wait_to_receive(*ch, storage);
}

bool channel_try_send(channel* ch, void* value) {
  sched::point("chan try send");
  if (!ch) return false;
  base::race::as_read(&ch->closed);
  ch->lock.lock();
  if (ch->closed.load(base::relaxed)) [[unlikely]] {
    ch->lock.unlock();
    throw_closed_send();
  }
  waiter* receiver = nullptr;
  const bool sent = ch->send_now(value, receiver);
  ch->lock.unlock();
  if (receiver) sched::ready(receiver->who);
  return sent;
}

bool channel_try_recv(channel* ch, void* storage) noexcept {
  sched::point("chan try receive");
  return ch && channel_take(ch, storage);
}

bool channel_take(channel* ch, void* storage) noexcept {
  if (!ch->seems_receivable()) {
    if (ch->lock.is_mine()) return false;  // nor can anything have come since
    // seq_cst: two goroutines that each send, then try to receive what the other sent, do not both come away empty.
    base::thread_fence(base::seq_cst);
    if (!ch->seems_receivable() && !sched::biased_lock::is_due()) return false;
  }
  ch->lock.lock();
  waiter* sender = nullptr;
  const bool received = ch->recv_now(storage, sender);
  ch->lock.unlock();
  if (sender) sched::ready(sender->who);
  if (base::race::is_watched && !received && ch->closed.load(base::relaxed)) base::race::acquire(&ch->closed);
  return received;
}

void channel_close(channel* ch) {
  sched::point("chan close");
  if (!ch) throw misuse("close of nil channel");
  base::race::as_write(&ch->closed);
  base::race::release(&ch->closed);
  ch->lock.lock();
  if (ch->closed.load(base::relaxed)) {
    ch->lock.unlock();
    throw misuse("close of closed channel");
  }
  ch->note_change();
  ch->closed.store(true, base::release);
  waiter* all = ch->take_all_waiters();
  ch->lock.unlock();
  sched::ready_all(all);
}

waiter* channel_offer(channel& ch, void* value) noexcept {
  base::locked hold(ch.lock);
  waiter* receiver = nullptr;
  if (!ch.closed.load(base::relaxed)) ch.send_now(value, receiver);
  return receiver;
}

bool channel_closed(const channel* ch) noexcept {
  sched::point("chan closed");
  if (!ch || !ch->closed.load(base::acquire)) return false;
  base::race::acquire(&ch->closed);
  return true;
}
std::size_t channel_size(const channel* ch) noexcept {
  sched::point("chan size");
  return ch ? ch->occupied.load(base::acquire) : 0;
}
std::size_t channel_capacity(const channel* ch) noexcept { return ch ? ch->capacity : 0; }

bool is_fed_from_outside(const channel* ch) noexcept { return ch->on_last_release != nullptr; }

}  // namespace weft::detail
