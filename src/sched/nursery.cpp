#include "sched/nursery.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/fatal.h"

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

// A goroutine that was started must be run: as for a stack, there is nobody to tell that there is no memory.
runnable litter::take_out(std::uint32_t i) const noexcept {
  const int size_class = detail::block_class_for(detail::newborn_header_bytes + closure_words() * sizeof *closure(0));
  detail::newborn* n = nullptr;
  try {
    n = detail::newborn_allocate(size_class);
  } catch (const std::bad_alloc&) {
    base::fatal("out of memory for a goroutine that moves to another processor");
  }
  *n = first;
  n->id += i;
  n->size_class = static_cast<std::uint8_t>(size_class);
  std::memcpy(detail::newborn_closure(n), closure(i), closure_words() * sizeof *closure(0));
  return runnable(n);
}

nursery::nursery() {
  resize(words_, room_ = initial);
  resize(batches_, batches_room_ = initial / 4);
}

std::uint32_t nursery::in_use() const noexcept {
  std::uint32_t sum = end_ - open_begin_;
  for (std::uint32_t i = oldest_; i < batches_used_; ++i) sum += end_of(i) - batches_[i].begin;
  return sum;
}

void nursery::make_room(std::uint32_t wanted) {
  if (in_use() + wanted <= room_ / 2) return compact();
  std::uint32_t room = room_;
  do {
    weft_assert(room * 2 != 0, "a nursery has at most four thousand million words");
    room *= 2;
  } while (room - end_ < wanted);
  resize(words_, room);
  room_ = room;
}

// N3. The gaps are at the front of each batch, left by those that were taken.
void nursery::compact() noexcept {
  std::uint32_t to = 0, kept = 0;
  for (std::uint32_t i = oldest_; i < batches_used_; ++i) {
    const std::uint32_t begin = batches_[i].begin, end = end_of(i);
    std::memmove(&words_[to], &words_[begin], (end - begin) * sizeof words_[0]);
    batches_[kept++] = {to, to};
    to += end - begin;
  }
  std::memmove(&words_[to], &words_[open_begin_], (end_ - open_begin_) * sizeof words_[0]);
  const std::uint32_t still_open = end_ - open_begin_;
  if (growing_ != none) growing_ -= open_begin_ - to;
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
  growing_ = none;
}

runnable nursery::pop(cradle_block& into) noexcept {
  if (oldest_ == batches_used_) return {};
  batch& newest = batches_[batches_used_ - 1];
  runnable first;
  if (is_litter(newest.begin)) {
    litter& l = litter_at(newest.begin);
    const std::uint32_t taken = l.taken;
    l.taken = static_cast<std::uint16_t>(taken + 1);
    l.lay_out(into, taken);
    first = runnable(&into.newborn);
    if (taken + 1 != l.count) [[likely]] {  // so there are more
      live_.store(size() - 1, base::relaxed);
      return first;
    }
    newest.begin += l.words();
  } else {
    first = runnable(words_[newest.begin++]);
  }
  if (newest.begin == open_) {
    weft_dassert(open_ == end_, "newborns are served when the running goroutine starts no more");
    open_ = open_begin_ = end_ = newest.base;
    --batches_used_;
  }
  took_one();
  return first;
}

// Out of the front of a batch, for somebody who may keep it.
runnable nursery::take_front(std::uint32_t& begin) noexcept {
  if (!is_litter(begin)) return runnable(words_[begin++]);
  litter& l = litter_at(begin);
  const runnable first = l.take_out(l.taken);
  if (++l.taken == l.count) {
    if (begin == growing_) growing_ = none;
    begin += l.words();
  }
  return first;
}

runnable nursery::pop_oldest() noexcept {
  if (oldest_ == batches_used_) return pop_open();
  const runnable first = take_front(batches_[oldest_].begin);
  if (batches_[oldest_].begin == end_of(oldest_)) ++oldest_;
  took_one();
  return first;
}

runnable nursery::pop_open() noexcept {
  if (open_begin_ == end_) return {};
  const runnable first = take_front(open_begin_);
  took_one();
  return first;
}

void nursery::shrink() {
  if (!empty() || room_ == initial) return;
  resize(words_, room_ = initial);
  resize(batches_, batches_room_ = initial / 4);
}

}  // namespace weft::sched
