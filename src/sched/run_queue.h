// The two queues of a processor.
//
// `private_queue` is a growing FIFO ring without a single atomic read-modify-write: only the worker inside the runtime on
// this processor, or whoever seized the processor (processor.h), touches it. Its size may be read by anybody as a hint.
//
// `shared_queue` is what others may steal from: a bounded ring with one producer, the owner, and many consumers, which
// move `head_` by compare-and-swap (after Go's runq; Chase and Lev, SPAA 2005, for the idea). The owner moves work there
// only when somebody is hungry, so an undisturbed processor never pays for stealing.
//
//   Q1  Slots in [head, tail) of the shared ring are filled; the owner alone moves tail, and never more than capacity
//       ahead of the head it saw.
//   Q2  A consumer owns what it read only if its compare-and-swap of head succeeds: then no one reused those slots, since
//       the owner reuses a slot only after it saw head pass it.
// Refused: one CAS queue for everything (5.5 ns per pop on every switch, against none); LIFO order (starves).
// Checked by tests/model/run_queue_model.cpp, tests/unit/sched/run_queue_test.cpp and the stress tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/atomic.h"
#include "base/assert.h"
#include "sched/runnable.h"

namespace weft::sched {

class private_queue {
 public:
  private_queue() : slots_(std::make_unique<std::uintptr_t[]>(initial)), mask_(initial - 1) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return tail_.load(base::relaxed) - head_.load(base::relaxed); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void push(runnable work) {  // allocates when the ring must grow
    if (push_in_room(work)) [[likely]] return;
    grow();
    static_cast<void>(push_in_room(work));
  }
  [[nodiscard]] bool push_in_room(runnable work) noexcept {
    const std::uint32_t tail = tail_.load(base::relaxed);
    if (tail - head_.load(base::relaxed) > mask_) [[unlikely]] return false;
    slots_[tail & mask_] = work.word();
    tail_.store(tail + 1, base::relaxed);
    return true;
  }
  void push_front(runnable work) {  // the same
    if (full()) [[unlikely]] grow();
    const std::uint32_t head = head_.load(base::relaxed) - 1;
    slots_[head & mask_] = work.word();
    head_.store(head, base::relaxed);
  }
  void adopt(runnable stolen) { push(stolen); }
  runnable pop() noexcept {  // null when empty
    std::uint32_t left;
    return pop(left);
  }
  runnable pop(std::uint32_t& left) noexcept {  // `left`: how many there are after it
    const std::uint32_t head = head_.load(base::relaxed), there = tail_.load(base::relaxed) - head;
    left = there - 1;
    if (there == 0) return {};
    head_.store(head + 1, base::relaxed);
    return runnable(slots_[head & mask_]);
  }
  // pop() in pieces: nobody else changes anything between one piece and the next.
  struct ends {
    std::uint32_t head, tail;
    [[nodiscard]] std::uint32_t size() const noexcept { return tail - head; }
  };
  [[nodiscard]] ends look() const noexcept { return {head_.load(base::relaxed), tail_.load(base::relaxed)}; }
  [[nodiscard]] std::uintptr_t& place_of_front(ends seen) const noexcept { return slots_[seen.head & mask_]; }
  [[nodiscard]] static runnable front(const std::uintptr_t& place) noexcept {  // REQUIRES: not empty
    const std::uintptr_t word = place;
    if (word == 0) __builtin_unreachable();
    return runnable(word);
  }
  void drop_front(ends seen) noexcept { head_.store(seen.head + 1, base::relaxed); }
  void replace_front(ends seen, std::uintptr_t& place, runnable last) noexcept {  // by `last` at the end: needs no room
    if (seen.size() == 1) {  // whose place is free: two that yield to each other
      place = last.word();
      return;
    }
    slots_[seen.tail & mask_] = last.word();
    drop_front(seen);
    tail_.store(seen.tail + 1, base::relaxed);
  }
  // The i-th from the front. REQUIRES: i < size().
  [[nodiscard]] runnable peek(std::uint32_t i) const noexcept {
    return runnable(slots_[(head_.load(base::relaxed) + i) & mask_]);
  }
  void shrink();  // gives the memory of a past burst back; only when empty
  template <class F>
  void for_each(F&& f) const {  // oldest first
    for (std::uint32_t at = head_.load(base::relaxed); at != tail_.load(base::relaxed); ++at) f(runnable(slots_[at & mask_]));
  }

  // For a queue behind a lock, which must not grow while the lock is held.
  [[nodiscard]] bool full() const noexcept { return size() > mask_; }
  [[nodiscard]] std::uint32_t slots() const noexcept { return mask_ + 1; }
  // Moves into `storage` of `slots` words, a larger power of two; `storage` is what was used before.
  void move_into(std::unique_ptr<std::uintptr_t[]>& storage, std::uint32_t slots) noexcept;

 private:
  friend struct layout_access;
  static constexpr std::uint32_t initial = 256;
  [[gnu::noinline]] void grow();

  base::atomic<std::uint32_t> head_{0};
  base::atomic<std::uint32_t> tail_{0};
  std::unique_ptr<std::uintptr_t[]> slots_;
  std::uint32_t mask_;
};

class shared_queue {
 public:
  static constexpr std::uint32_t capacity = 256;

  [[nodiscard]] std::uint32_t size() const noexcept {
    std::uint32_t head = head_.load(base::relaxed), tail = tail_.load(base::relaxed);
    return tail - head <= capacity ? tail - head : 0;  // torn reads of a hint
  }

  // Owner only. False: full.
  bool push(runnable work) noexcept {
    std::uint32_t tail = tail_.load(base::relaxed);
    if (tail - head_.load(base::acquire) >= capacity) return false;  // acquire: Q2, readers are done with the slot
    slots_[tail % capacity].store(work.word(), base::relaxed);
    tail_.store(tail + 1, base::release);
    return true;
  }
  // Anybody.
  runnable pop() noexcept {
    std::uint32_t head = head_.load(base::acquire);
    while (true) {
      std::uint32_t tail = tail_.load(base::acquire);
      if (static_cast<std::int32_t>(tail - head) <= 0) return {};
      std::uintptr_t word = slots_[head % capacity].load(base::relaxed);
      if (head_.compare_exchange_weak(head, head + 1, base::acq_rel, base::acquire)) return runnable(word);
    }
  }
  // Anybody. What is taken meanwhile may be among them.
  template <class F>
  void for_each(F&& f) const {
    std::uint32_t at = head_.load(base::acquire), left = size();
    for (; left > 0; --left, ++at) f(runnable(slots_[at % capacity].load(base::relaxed)));
  }
  // Moves up to half of what is there to the thief's own queue; returns how many.
  template <class Queue>
  std::uint32_t steal_half_into(Queue& thief) {
    std::uint32_t head = head_.load(base::acquire);
    while (true) {
      std::uint32_t there = tail_.load(base::acquire) - head;
      if (static_cast<std::int32_t>(there) <= 0) return 0;
      std::uint32_t wanted = there - there / 2;
      if (wanted > capacity / 2) wanted = capacity / 2;
      std::uintptr_t loot[capacity / 2];
      for (std::uint32_t i = 0; i < wanted; ++i) loot[i] = slots_[(head + i) % capacity].load(base::relaxed);
      if (!head_.compare_exchange_weak(head, head + wanted, base::acq_rel, base::acquire)) continue;
      for (std::uint32_t i = 0; i < wanted; ++i) thief.adopt(runnable(loot[i]));
      return wanted;
    }
  }

 private:
  friend struct layout_access;
  alignas(64) base::atomic<std::uint32_t> head_{0};
  alignas(64) base::atomic<std::uint32_t> tail_{0};
  base::atomic<std::uintptr_t> slots_[capacity] = {};
};

}  // namespace weft::sched
