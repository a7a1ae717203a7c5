// The nursery: newborns of one processor, in batches. A batch is what one goroutine started in one go, before it parked,
// yielded or ended. Batches are served newest first, and the newborns of one batch in the order in which they were started.
//
// So a goroutine that starts others and waits for them is followed by exactly those, with its data still in cache, and a
// tree of goroutines is walked depth first: a million leaves need as many stacks as the tree is deep, not a hundred
// thousand. A newborn holds nothing yet, so its place in the order costs nobody anything; that others get their turn too
// is the business of own_queue.h.
//
//   N1  words_ holds the batches one after the other, oldest first; batch i is [begin_i, base_{i+1}), the newest closed one
//       ends at open_, and [open_, end_) is the batch that the running goroutine is still adding to. A batch is made of
//       words of newborns with blocks of their own, and of litters (litter.h).
//   N2  Only the newest batch is taken from by pop(), only the oldest by pop_oldest(); each from its front. A litter of
//       which some are taken is at the front of its batch; only the last thing of the open batch is added to.
//   N3  live_ is the number of newborns in it. When words_ is full and less than half of it is in use, that moves down
//       instead: a processor whose newborns are all taken by thieves needs no more room than it has.
//
// Owner only (processor.h), except size().
// Refused: one FIFO for everything (a tree is walked breadth first: every inner node waits on a stack of its own); last in,
// first out within a batch (a loop that starts ten would run them backwards).
#pragma once

#include <cstdint>
#include <memory>
#include <new>

#include "arch/is_set.h"
#include "base/atomic.h"
#include "sched/litter.h"
#include "sched/runnable.h"

namespace weft::sched {

class nursery {
 public:
  nursery();

  [[nodiscard]] std::uint32_t size() const noexcept { return live_.load(base::relaxed); }
  [[nodiscard]] bool empty() const noexcept { return !arch::is_set(live_, base::relaxed); }

  [[nodiscard]] bool has_room() const noexcept { return end_ != room_; }
  void push(runnable newborn) {  // allocates when there is no room
    if (end_ == room_) [[unlikely]] make_room(1);
    push_in_room(newborn);
  }
  void push_in_room(runnable newborn) noexcept {  // REQUIRES: has_room()
    words_[end_++] = newborn.word();
    growing_ = none;
    live_.store(size() + 1, base::relaxed);
  }
  // The running goroutine starts no more: its batch becomes the newest.
  void close_batch() {
    if (open_ != end_) close_nonempty();
  }

  // The same for one with a small closure.
  [[nodiscard]] bool has_room_for_sibling() const noexcept { return room_ - end_ >= most_for_sibling; }
  void make_room_for_sibling() {  // allocates
    if (!has_room_for_sibling()) make_room(most_for_sibling);
  }
  // REQUIRES: has_room_for_sibling(). In pieces: if it is no more of the same, or not added for its closure, it begins a litter.
  [[nodiscard]] bool is_one_more(const breed& b, std::uint64_t id) const noexcept {
    return growing_ != none && litter_at(growing_).takes(b, id);
  }
  void begin_litter(const breed&, std::uint64_t id, const std::uint64_t* closure) noexcept;
  bool try_add_closure(const std::uint64_t* closure) noexcept;  // REQUIRES: is_one_more()

  // As close_batch() and pop().
  runnable pop_newest(cradle_block& into) noexcept {
    if (growing_ == open_begin_ && litter_at(growing_).count == 1) return pop_only_child(into);
    close_batch();
    return pop(into);
  }
  runnable pop(cradle_block&) noexcept;  // of the newest closed batch; null when there is none
  runnable pop_oldest() noexcept;  // of the oldest batch, closed or not; null when empty
  runnable pop_open() noexcept;    // of the batch that is not closed; null when that is empty
  [[nodiscard]] std::size_t bytes() const noexcept { return room_ * sizeof words_[0] + batches_room_ * sizeof batches_[0]; }
  void shrink();                   // gives the memory of a past burst back; only when empty
  template <class F>
  void for_each(F&& f) const {     // oldest batch first
    for (std::uint32_t i = oldest_; i <= batches_used_; ++i) {
      const bool is_open = i == batches_used_;
      const std::uint32_t end = is_open ? end_ : end_of(i);
      for (std::uint32_t at = is_open ? open_begin_ : batches_[i].begin; at < end;) at += visit(at, f);
    }
  }

 private:
  friend struct layout_access;
  struct batch {
    std::uint32_t base;   // where it began, and the one before it ends
    std::uint32_t begin;  // its first newborn that was not taken
  };
  static constexpr std::uint32_t initial = 512;
  static constexpr std::uint32_t most_for_sibling = litter_words + detail::small_closure_words;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  [[nodiscard]] bool is_litter(std::uint32_t at) const noexcept {  // LT2; by its first byte, which may be of either type
    return (*reinterpret_cast<const unsigned char*>(&words_[at]) & 1) == 0;
  }
  [[nodiscard]] litter& litter_at(std::uint32_t at) const noexcept {
    return *std::launder(reinterpret_cast<litter*>(&words_[at]));
  }
  template <class F>
  std::uint32_t visit(std::uint32_t at, F&& f) const {
    if (!is_litter(at)) return f(runnable(words_[at])), 1;
    const litter& l = litter_at(at);
    for (std::uint32_t i = l.taken; i < l.count; ++i) {
      cradle_block described;
      l.lay_out(described, i);
      f(runnable(&described.newborn));
    }
    return l.words();
  }

  [[gnu::noinline]] void make_room(std::uint32_t wanted);
  [[gnu::noinline]] void close_nonempty();
  [[nodiscard]] std::uint32_t end_of(std::uint32_t batch_number) const noexcept {
    return batch_number + 1 < batches_used_ ? batches_[batch_number + 1].base : open_;
  }
  [[nodiscard]] std::uint32_t in_use() const noexcept;
  void compact() noexcept;
  void append(const std::uint64_t* closure, std::uint32_t words) noexcept;
  runnable take_front(std::uint32_t& begin) noexcept;
  runnable pop_only_child(cradle_block& into) noexcept {  // the open batch is one litter of one
    litter_at(growing_).lay_out(into, 0);
    open_begin_ = end_ = open_;
    growing_ = none;
    live_.store(size() - 1, base::relaxed);
    return runnable(&into.newborn);
  }
  void reset() noexcept {
    oldest_ = batches_used_ = open_ = open_begin_ = end_ = 0;
    growing_ = none;
  }
  void took_one() noexcept {
    const std::uint32_t left = size() - 1;
    live_.store(left, base::relaxed);
    if (left == 0) reset();
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
  std::uint32_t growing_ = none;    // the litter at the end of the open batch
  base::atomic<std::uint32_t> live_{0};
};

inline void nursery::append(const std::uint64_t* closure, std::uint32_t words) noexcept {
  std::uintptr_t* const to = &words_[end_];
  end_ += words;
  for (std::uint32_t i = 0; i < words; ++i) to[i] = closure[i];
  live_.store(size() + 1, base::relaxed);
}

inline void nursery::begin_litter(const breed& b, std::uint64_t id, const std::uint64_t* closure) noexcept {
  growing_ = end_;
  auto* l = ::new (static_cast<void*>(&words_[end_])) litter;
  l->twice_words = static_cast<std::uint16_t>(2 * b.kind->words);
  l->taken = 0;
  l->count = 1;
  l->stride = 0;
  b.describe(l->first, id);
  end_ += litter_words;
  append(closure, b.kind->words);
}

// LT4.
inline bool nursery::try_add_closure(const std::uint64_t* closure) noexcept {
  litter& l = litter_at(growing_);
  if (l.stride == 0) {
    if (l.is_like_first(closure)) {
      ++l.count;
      live_.store(size() + 1, base::relaxed);
      return true;
    }
    if (l.count != 1) return false;
    l.stride = static_cast<std::uint16_t>(l.closure_words());
  }
  ++l.count;
  append(closure, l.stride);
  return true;
}

}  // namespace weft::sched
