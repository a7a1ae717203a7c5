// The untyped channel behind chan<T>. After Go's chan.go.
//
// A ring buffer and two queues of waiters under one spin lock. A sender that finds a waiting receiver hands its value over
// directly; a receiver that finds a waiting sender takes the oldest value and lets the sender's follow. Whoever must wait
// leaves a waiter and parks; whoever serves it moves the value, sets `success` and makes it runnable after the lock is
// released.
//
//   C1  receivers_ is not empty only if the buffer is empty and no sender waits; senders_ is not empty only if the buffer
//       is full (capacity 0: always). Waiters of sleeps already claimed elsewhere (select) do not count.
//   C2  A value is moved under the lock, exactly once, by whoever owns the sleep of the waiter it belongs to.
//   C3  close() takes every waiter and wakes it with success == false: receivers report the close, senders throw.
//   C4  `occupied`, `closed` and the heads of the two queues are written under the lock, and may be read without it by
//       those who only look.
//   C5  Whoever changes any of these under the lock first adds one to `version`. So somebody who sees `version`, then the
//       state, and later, behind a full fence, the state and then the same `version`, knows that the state was the same
//       at the fence: had it changed and changed back, the version would have been seen to move.
//   C6  What happens before what (base/race.h), after Go's: each place of the ring is passed on from its sender to its
//       receiver and to its next sender; a waiter goes to and fro between its owner and whoever serves it; `closed` is
//       read by a send and written by a close, since one that may overtake the other is a mistake; the channel itself is
//       the place between who starts a timer and who receives its tick.
// Refused: lock-free segments (Koval et al., arXiv 2211.04986): two read-modify-writes per operation as here, and select
// and close become far harder; a lock per end: the unbuffered case needs both.
// Checked by tests/model/chan_model.cpp, and against a reference by tests/fuzz.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/channel.h>
#include <weft/detail/waiter.h>

#include "base/atomic.h"
#include "base/race.h"
#include "sched/biased_lock.h"

namespace weft::detail {

struct channel {
  sched::biased_lock lock;
  base::atomic<bool> closed{false};           // C4
  base::atomic<std::uint32_t> references{1};
  base::atomic<std::uint32_t> version{0};     // C5
  const std::uint32_t element_size;
  const bool moves_shortly;                   // elements of 0, 4, 8 or 16 bytes without functions of their own
  std::size_t capacity;
  base::atomic<std::size_t> occupied{0};      // C4; values in the ring
  std::size_t first = 0;                      // guarded by lock; position of the oldest value
  waiter_queue receivers, senders;            // guarded by lock
  const element_type& type;
  void (*on_last_release)(channel*) noexcept; // null: free it
  std::byte* ring;                            // `capacity` elements

  channel(std::size_t room, const element_type& of, std::byte* storage) noexcept
      : element_size(static_cast<std::uint32_t>(of.size)),
        moves_shortly(!of.move && !of.destroy && (of.size == 0 || of.size == 4 || of.size == 8 || of.size == 16)), capacity(room), type(of), on_last_release(nullptr), ring(storage) {}

  // Without the lock: could this be done at once? A yes may be out of date, or be for waiters that lost their sleep.
  [[nodiscard]] bool seems_sendable() const noexcept {
    return occupied.load(base::acquire) != capacity || !receivers.seems_empty() || closed.load(base::acquire);
  }
  [[nodiscard]] bool seems_receivable() const noexcept {
    return occupied.load(base::acquire) != 0 || !senders.seems_empty() || closed.load(base::acquire);
  }

  // The steps below want the lock held.
  void note_change() noexcept { version.store(version.load(base::relaxed) + 1, base::release); }  // C5, before the change
  void move(void* to, void* from) noexcept {
    const base::race::quiet unnoticed;
    if (type.move) return type.move(to, from);
    switch (element_size) {  // a call of memcpy takes longer than what it copies
      case 0: return;
      case 4: std::memcpy(to, from, 4); return;
      case 8: std::memcpy(to, from, 8); return;
      case 16: std::memcpy(to, from, 16); return;
      default: std::memcpy(to, from, element_size);
    }
  }
  [[nodiscard]] const void* place(std::size_t position) const noexcept {  // C6
    return ring + position * (element_size != 0 ? element_size : 1);
  }
  // A waiter in a buffered channel is served as if its value had gone through the ring. Null: the caller's own value.
  void note_put(const waiter* owner) const noexcept {
    if constexpr (!base::race::is_watched) return;
    const void* free = place((first + occupied.load(base::relaxed)) % capacity);
    if (owner) return base::race::forward(owner, free);
    base::race::acquire(free);
    base::race::release(free);
  }
  void note_handed_over(const waiter& receiver) noexcept {
    if constexpr (!base::race::is_watched) return;
    if (capacity == 0) {
      base::race::acquire(&receiver);
    } else {
      base::race::acquire(place(first));
      base::race::forward(&receiver, place(first));
      if (++first == capacity) first = 0;
    }
    base::race::release(&receiver);
  }
  void note_taking() const noexcept { base::race::acquire(this), base::race::acquire(place(first)); }
  void note_taken() const noexcept { base::race::release(place(first)); }
  void note_served(const waiter& me) const noexcept {  // by its owner, without the lock
    base::race::acquire(me.success ? static_cast<const void*>(&me) : &closed);
    base::race::acquire(this);
  }
  // move() and destroy(), for the short ways: by a few instructions, where `moves_shortly`.
  [[gnu::always_inline]] void move_shortly(void* to, const void* from) const noexcept {
    if (element_size == 8) [[likely]] std::memcpy(to, from, 8);
    else if (element_size == 4) std::memcpy(to, from, 4);
    else if (element_size == 16) std::memcpy(to, from, 16);
  }
  [[gnu::always_inline]] std::byte* place_shortly(std::size_t position) const noexcept {  // a multiplication takes three cycles
    return element_size == 8 ? ring + position * 8 : ring + position * element_size;
  }
  void destroy(void* value) noexcept {
    if (type.destroy) type.destroy(value);
  }
  template <bool is_short = false>
  void put(void* value) noexcept {                  // REQUIRES: room in the ring
    const std::size_t count = occupied.load(base::relaxed);
    std::size_t position = first + count;
    if (position >= capacity) position -= capacity;
    if constexpr (is_short) move_shortly(place_shortly(position), value);
    else move(ring + position * element_size, value);
    occupied.store(count + 1, base::release);
  }
  template <bool is_short = false>
  void take(void* storage) noexcept {               // REQUIRES: the ring is not empty
    if constexpr (is_short) {
      move_shortly(storage, place_shortly(first));
    } else {
      std::byte* const oldest = ring + first * element_size;
      note_taking();
      move(storage, oldest);
      destroy(oldest);
      note_taken();
    }
    if (++first == capacity) first = 0;
    occupied.store(occupied.load(base::relaxed) - 1, base::release);
  }
  // True: done. `to_wake` is set to a waiter whose sleeper is to be made ready once the lock is released.
  bool send_now(void* value, waiter*& to_wake) noexcept {    // REQUIRES: not closed
    note_change();
    if (!receivers.empty()) {
      if (waiter* receiver = receivers.pop()) {
        note_handed_over(*receiver);
        move(receiver->value, value);
        receiver->success = true;
        to_wake = receiver;
        return true;
      }
    }
    if (occupied.load(base::relaxed) == capacity) return false;
    note_put(nullptr);
    put(value);
    return true;
  }
  bool recv_now(void* storage, waiter*& to_wake) noexcept {
    note_change();
    if (occupied.load(base::relaxed) == 0) {
      waiter* sender = senders.empty() ? nullptr : senders.pop();
      if (!sender) return false;
      base::race::acquire(sender);
      base::race::release(sender);
      move(storage, sender->value);
      sender->success = true;
      to_wake = sender;
      return true;
    }
    take(storage);
    if (!senders.empty()) {
      if (waiter* sender = senders.pop()) {
        note_put(sender);
        put(sender->value);
        base::race::release(sender);
        sender->success = true;
        to_wake = sender;
      }
    }
    return true;
  }
  // Takes all waiters, claimed and marked unsuccessful, as a list through next.
  waiter* take_all_waiters() noexcept;
  // Destroys what is in the ring.
  void drain() noexcept;
};

[[noreturn]] void throw_closed_send();

// channel_try_recv without being a point of an exploration: for callers that hold a lock.
bool channel_take(channel*, void* storage) noexcept;

// For timers: sends without blocking, throwing or running user code; a full or closed channel drops the value. Returns the
// waiter whose sleeper the caller is to make ready, or null.
waiter* channel_offer(channel&, void* value) noexcept;

}  // namespace weft::detail
