// The nursery: newborns of one processor, in batches. A batch is what one goroutine started in one go, before it parked,
// yielded or ended. Batches are served newest first, and the newborns of one batch in the order in which they were started.
//
// So a goroutine that starts others and waits for them is followed by exactly those, with its data still in cache, and a
// tree of goroutines is walked depth first: a million leaves need as many stacks as the tree is deep, not a hundred
// thousand. A newborn holds nothing yet, so its place in the order costs nobody anything; that others get their turn too
// is the business of own_queue.h.
//
//   N1  words_ holds the batches one after the other, oldest first; batch i is [begin_i, base_{i+1}), the newest closed one
//       ends at open_, and [open_, end_) is the batch that the running goroutine is still adding to.
//   N2  Only the newest batch is taken from by pop(), only the oldest by pop_oldest(); each from its front.
//   N3  live_ is the number of newborns in it. When words_ is full and less than half of it is live, what is live moves
//       down instead: a processor whose newborns are all taken by thieves needs no more room than it has.
//
// Owner only (processor.h), except size().
// Refused: one FIFO for everything (a tree is walked breadth first: every inner node waits on a stack of its own); last in,
// first out within a batch (a loop that starts ten would run them backwards).
#pragma once

#include <cstdint>
#include <memory>

#include "base/atomic.h"
#include "sched/runnable.h"

namespace weft::sched {

class nursery {
 public:
  nursery();

  [[nodiscard]] std::uint32_t size() const noexcept { return live_.load(base::relaxed); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void push(runnable newborn) {  // allocates when there is no room
    if (end_ == room_) [[unlikely]] make_room();
    words_[end_++] = newborn.word();
    live_.store(size() + 1, base::relaxed);
  }
  // The running goroutine starts no more: its batch becomes the newest.
  void close_batch() {
    if (open_ != end_) close_nonempty();
  }
  runnable pop() noexcept;         // of the newest closed batch; null when there is none
  runnable pop_oldest() noexcept;  // of the oldest batch, closed or not; null when empty
  runnable pop_open() noexcept;    // of the batch that is not closed; null when that is empty
  void shrink();                   // gives the memory of a past burst back; only when empty

 private:
  struct batch {
    std::uint32_t base;   // where it began, and the one before it ends
    std::uint32_t begin;  // its first newborn that was not taken
  };
  static constexpr std::uint32_t initial = 256;

  [[gnu::noinline]] void make_room();
  [[gnu::noinline]] void close_nonempty();
  void compact() noexcept;
  void reset() noexcept { oldest_ = batches_used_ = open_ = open_begin_ = end_ = 0; }
  void took_one() noexcept {
    live_.store(size() - 1, base::relaxed);
    if (size() == 0) reset();
  }

  struct deleter {
    void operator()(void* memory) const noexcept;
  };
  std::unique_ptr<std::uintptr_t[], deleter> words_;
  std::unique_ptr<batch[], deleter> batches_;
  std::uint32_t room_ = 0, batches_room_ = 0;
  std::uint32_t oldest_ = 0;        // batches_[oldest_, batches_used_) hold something, those before were taken by others
  std::uint32_t batches_used_ = 0;
  std::uint32_t open_ = 0;          // N1
  std::uint32_t open_begin_ = 0;    // of the open batch: its first that was not taken
  std::uint32_t end_ = 0;
  base::atomic<std::uint32_t> live_{0};
};

}  // namespace weft::sched
