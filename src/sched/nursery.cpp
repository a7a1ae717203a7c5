#include "sched/nursery.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace weft::sched {

void nursery::deleter::operator()(void* memory) const noexcept { std::free(memory); }

namespace {

// realloc: large blocks are moved by the kernel without copying.
template <class Array>
void resize(Array& array, std::uint32_t count) {
  void* larger = std::realloc(array.get(), count * sizeof array[0]);
  if (!larger) throw std::bad_alloc();
  static_cast<void>(array.release());
  array.reset(static_cast<typename Array::pointer>(larger));
}

}  // namespace

nursery::nursery() {
  resize(words_, room_ = initial);
  resize(batches_, batches_room_ = initial / 4);
}

void nursery::make_room() {
  if (size() < room_ / 2) return compact();
  weft_assert(room_ * 2 != 0, "a nursery holds at most two thousand million newborns");
  resize(words_, room_ * 2);
  room_ *= 2;
}

// N3. The gaps are at the front of each batch, left by those that were taken.
void nursery::compact() noexcept {
  std::uint32_t to = 0, kept = 0;
  for (std::uint32_t i = oldest_; i < batches_used_; ++i) {
    const std::uint32_t begin = batches_[i].begin;
    const std::uint32_t end = i + 1 < batches_used_ ? batches_[i + 1].base : open_;
    std::memmove(&words_[to], &words_[begin], (end - begin) * sizeof words_[0]);
    batches_[kept++] = {to, to};
    to += end - begin;
  }
  std::memmove(&words_[to], &words_[open_begin_], (end_ - open_begin_) * sizeof words_[0]);
  const std::uint32_t still_open = end_ - open_begin_;
  oldest_ = 0;
  batches_used_ = kept;
  open_ = open_begin_ = to;
  end_ = to + still_open;
}

void nursery::close_nonempty() {
  if (open_begin_ != end_) {
    if (batches_used_ == batches_room_) {
      resize(batches_, batches_room_ * 2);
      batches_room_ *= 2;
    }
    batches_[batches_used_++] = {open_, open_begin_};
  } else {
    end_ = open_;
  }
  open_ = open_begin_ = end_;
}

runnable nursery::pop() noexcept {
  if (oldest_ == batches_used_) return {};
  batch& newest = batches_[batches_used_ - 1];
  const runnable first(words_[newest.begin++]);
  if (newest.begin == open_) {
    weft_dassert(open_ == end_, "newborns are served when the running goroutine starts no more");
    open_ = open_begin_ = end_ = newest.base;
    --batches_used_;
  }
  took_one();
  return first;
}

runnable nursery::pop_oldest() noexcept {
  if (oldest_ == batches_used_) return pop_open();
  batch& oldest = batches_[oldest_];
  const runnable first(words_[oldest.begin++]);
  if (oldest.begin == (oldest_ + 1 < batches_used_ ? batches_[oldest_ + 1].base : open_)) ++oldest_;
  took_one();
  return first;
}

runnable nursery::pop_open() noexcept {
  if (open_begin_ == end_) return {};
  const runnable first(words_[open_begin_++]);
  took_one();
  return first;
}

void nursery::shrink() {
  if (!empty() || room_ == initial) return;
  resize(words_, room_ = initial);
  resize(batches_, batches_room_ = initial / 4);
}

}  // namespace weft::sched
