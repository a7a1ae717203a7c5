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
// Refused: lock-free segments (Koval et al., arXiv 2211.04986): two read-modify-writes per operation as here, and select
// and close become far harder; a lock per end: the unbuffered case needs both.
// Checked by tests/model/chan_model.cpp, and against a reference by tests/fuzz.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/detail/channel.h>
#include <weft/detail/waiter.h>

#include "base/atomic.h"
#include "base/spinlock.h"

namespace weft::detail {

struct channel {
  base::spinlock lock{base::lock_rank::channel};
  base::atomic<bool> closed{false};           // C4
  base::atomic<std::uint32_t> references{1};
  base::atomic<std::uint32_t> version{0};     // C5
  const std::uint32_t element_size;
  std::size_t capacity;
  base::atomic<std::size_t> occupied{0};      // C4; values in the ring
  std::size_t first = 0;                      // guarded by lock; position of the oldest value
  waiter_queue receivers, senders;            // guarded by lock
  const element_type& type;
  void (*on_last_release)(channel*) noexcept; // null: free it
  std::byte* ring;                            // `capacity` elements

  channel(std::size_t room, const element_type& of, std::byte* storage) noexcept
      : element_size(static_cast<std::uint32_t>(of.size)), capacity(room), type(of), on_last_release(nullptr), ring(storage) {}

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
    if (type.move) type.move(to, from);
    else if (element_size == sizeof(std::uint64_t)) std::memcpy(to, from, sizeof(std::uint64_t));
    else if (element_size != 0) std::memcpy(to, from, element_size);
  }
  void destroy(void* value) noexcept {
    if (type.destroy) type.destroy(value);
  }
  void put(void* value) noexcept;                   // REQUIRES: room in the ring
  void take(void* storage) noexcept;                // REQUIRES: the ring is not empty
  // True: done. `to_wake` is set to a waiter whose sleeper is to be made ready once the lock is released.
  bool send_now(void* value, waiter*& to_wake) noexcept;    // REQUIRES: not closed
  bool recv_now(void* storage, waiter*& to_wake) noexcept;
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
