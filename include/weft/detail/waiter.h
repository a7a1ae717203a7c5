// A waiter is the node that a blocked goroutine or plain thread leaves in a queue. It lives on the sleeper's stack.
//
//   W1  A waiter is in at most one queue, and only while its owner sleeps or the queue's lock is held.
//   W2  A waiter with a claim word belongs to a sleep with several waiters (select, a deadline). Whoever moves the claim
//       from 0 to the waiter's index owns the sleep: it may touch `value`, set `success` and ready the sleeper, once.
//       Losers leave the waiter to its owner, who takes it out of the queue when it wakes.
//   W3  A waiter without a claim word belongs to whoever takes it out of its queue, under the queue's lock.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>

namespace weft::detail {

struct sleeper;  // a goroutine or a plain thread that can park: sched/sleeper.h

struct waiter {
  waiter* next = nullptr;
  waiter* prev = nullptr;
  sleeper* who = nullptr;
  base::atomic<std::uint32_t>* claim = nullptr;
  void* value = nullptr;      // what is sent from, or received into; the primitive's own use elsewhere
  std::uint32_t index = 0;    // what the claim becomes when this waiter wins: position + 1
  bool queued = false;        // guarded by the queue's lock
  bool success = false;       // set by the waker: a value moved (channels), the claim was served (others)
};

// A FIFO of waiters, guarded by the lock of the primitive that holds it; seems_empty() may be asked without it.
class waiter_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return front() == nullptr; }
  [[nodiscard]] waiter* front() const noexcept { return head_.load(base::relaxed); }
  [[nodiscard]] waiter* back() const noexcept { return tail_; }
  [[nodiscard]] bool seems_empty() const noexcept { return head_.load(base::acquire) == nullptr; }

  void push_back(waiter& node) noexcept {
    node.next = nullptr;
    node.prev = tail_;
    if (tail_) tail_->next = &node;
    else set_front(&node);
    tail_ = &node;
    node.queued = true;
  }
  void push_front(waiter& node) noexcept {
    node.prev = nullptr;
    node.next = front();
    (node.next ? node.next->prev : tail_) = &node;
    set_front(&node);
    node.queued = true;
  }
  void remove(waiter& node) noexcept {
    if (!node.queued) return;
    if (node.prev) node.prev->next = node.next;
    else set_front(node.next);
    (node.next ? node.next->prev : tail_) = node.prev;
    node.queued = false;
  }

  // Takes the first one, which is `node`.
  void remove_front(waiter& node) noexcept {
    waiter* const second = node.next;
    (second ? second->prev : tail_) = nullptr;
    set_front(second);
    node.queued = false;
  }

  // Takes the first waiter whose sleep is still open and claims it; waiters that lost their sleep are dropped.
  waiter* pop() noexcept {
    while (waiter* first = front()) {
      remove(*first);
      if (claim(*first)) return first;
    }
    return nullptr;
  }

  // Owns the sleep of `node`, or learns that another waiter of the same sleep has won (W2, W3).
  static bool claim(waiter& node) noexcept {
    if (!node.claim) return true;
    std::uint32_t open = 0;
    return node.claim->compare_exchange_strong(open, node.index, base::acq_rel, base::acquire);
  }

 private:
  void set_front(waiter* node) noexcept { head_.store(node, base::release); }  // release: chan/channel.h, C5

  base::atomic<waiter*> head_{nullptr};
  waiter* tail_ = nullptr;
};

}  // namespace weft::detail
