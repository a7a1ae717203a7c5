#include "chan/channel.h"

#include <new>

#include <weft/error.h>

#include "base/assert.h"
#include "sched/schedule.h"
#include "sched/seam.h"

namespace weft::detail {

using sched::wait_reason;

void channel::put(void* value) noexcept {
  const std::size_t count = occupied.load(base::relaxed);
  std::size_t position = first + count;
  if (position >= capacity) position -= capacity;
  move(ring + position * element_size, value);
  occupied.store(count + 1, base::release);
}

void channel::take(void* storage) noexcept {
  std::byte* oldest = ring + first * element_size;
  move(storage, oldest);
  destroy(oldest);
  if (++first == capacity) first = 0;
  occupied.store(occupied.load(base::relaxed) - 1, base::release);
}

bool channel::send_now(void* value, waiter*& to_wake) noexcept {
  note_change();
  if (!receivers.empty()) {
    if (waiter* receiver = receivers.pop()) {
      move(receiver->value, value);
      receiver->success = true;
      to_wake = receiver;
      return true;
    }
  }
  if (occupied.load(base::relaxed) == capacity) return false;
  put(value);
  return true;
}

bool channel::recv_now(void* storage, waiter*& to_wake) noexcept {
  note_change();
  if (occupied.load(base::relaxed) == 0) {
    waiter* sender = senders.empty() ? nullptr : senders.pop();
    if (!sender) return false;
    move(storage, sender->value);
    sender->success = true;
    to_wake = sender;
    return true;
  }
  take(storage);
  if (!senders.empty()) {
    if (waiter* sender = senders.pop()) {
      put(sender->value);
      sender->success = true;
      to_wake = sender;
    }
  }
  return true;
}

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
    destroy(ring + first * element_size);
    if (++first == capacity) first = 0;
  }
  occupied.store(0, base::relaxed);
}

void throw_closed_send() { throw misuse("send on closed channel"); }

channel* channel_make(std::size_t capacity, const element_type& type) {
  constexpr std::size_t header = (sizeof(channel) + 15) / 16 * 16;
  const std::size_t align = type.align > 16 ? type.align : 16;
  const std::size_t offset = (header + align - 1) / align * align;
  std::size_t bytes;
  if (__builtin_mul_overflow(capacity, type.size, &bytes) || __builtin_add_overflow(bytes, offset, &bytes))
    throw std::bad_alloc();
  auto* memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{align}));
  return ::new (memory) channel(capacity, type, memory + offset);
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
  ::operator delete(static_cast<void*>(ch), std::align_val_t{align});
}

namespace {

[[noreturn]] void park_for_ever(wait_reason reason) {
  while (true) sched::park(reason, nullptr);
}

// Queues a waiter and parks. REQUIRES: ch.lock held; returns without it. True: served, false: closed.
bool wait(channel& ch, waiter_queue& queue, void* value, wait_reason reason) {
  waiter me;
  me.who = sched::self();
  me.value = value;
  ch.note_change();
  queue.push_back(me);
  ch.lock.unlock();
  sched::park(reason, &ch);
  return me.success;
}

}  // namespace

void channel_send(channel* ch, void* value) {
  sched::point("chan send");
  if (!ch) park_for_ever(wait_reason::chan_send_nil);
  sched::checkpoint();
  ch->lock.lock();
  if (ch->closed.load(base::relaxed)) [[unlikely]] {
    ch->lock.unlock();
    throw_closed_send();
  }
  waiter* receiver = nullptr;
  if (ch->send_now(value, receiver)) {
    ch->lock.unlock();
    if (receiver) sched::ready(receiver->who);
    return;
  }
  if (!wait(*ch, ch->senders, value, wait_reason::chan_send)) throw_closed_send();
}

bool channel_recv(channel* ch, void* storage) {
  sched::point("chan receive");
  if (!ch) park_for_ever(wait_reason::chan_receive_nil);
  sched::checkpoint();
  ch->lock.lock();
  waiter* sender = nullptr;
  if (ch->recv_now(storage, sender)) {
    ch->lock.unlock();
    if (sender) sched::ready(sender->who);
    return true;
  }
  if (ch->closed.load(base::relaxed)) {
    ch->lock.unlock();
    return false;
  }
  return wait(*ch, ch->receivers, storage, wait_reason::chan_receive);
}

bool channel_try_send(channel* ch, void* value) {
  sched::point("chan try send");
  if (!ch) return false;
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
    // seq_cst: two goroutines that each send, then try to receive what the other sent, do not both come away empty.
    base::thread_fence(base::seq_cst);
    if (!ch->seems_receivable()) return false;
  }
  ch->lock.lock();
  waiter* sender = nullptr;
  const bool received = ch->recv_now(storage, sender);
  ch->lock.unlock();
  if (sender) sched::ready(sender->who);
  return received;
}

void channel_close(channel* ch) {
  sched::point("chan close");
  if (!ch) throw misuse("close of nil channel");
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
  return ch && ch->closed.load(base::acquire);
}
std::size_t channel_size(const channel* ch) noexcept {
  sched::point("chan size");
  return ch ? ch->occupied.load(base::acquire) : 0;
}
std::size_t channel_capacity(const channel* ch) noexcept { return ch ? ch->capacity : 0; }

}  // namespace weft::detail
