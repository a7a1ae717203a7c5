// What a processor has to run, but for the few words that others may look at (processor.h): a line of goroutines and a
// nursery of newborns.
//
//   O1  When both have something, they are served in turns. So a goroutine that wakes up waits for one newborn per
//       goroutine ahead of it, however many newborns there are, and newborns are served as long as goroutines are.
//   O2  A goroutine that yields goes behind all that is runnable: what it has started joins the line first.
//   O3  The oldest newborns get turns too: the loop moves one of them into the line now and then (loop.cpp, L1).
//   O4  What is given to others is the oldest of the line, then the oldest of the nursery, which is the largest part of a
//       tree of goroutines.
//   O5  In a long line of goroutines each one's memory has left the cache since its last turn: 200 ns of misses for a bare
//       switch, a microsecond with the frames above it. So the next ones are fetched while one runs.
#pragma once

#include <cstdint>

#include "sched/nursery.h"
#include "sched/run_queue.h"

namespace weft::sched {

class own_queue {
 public:
  // Hints for those who do not own it.
  [[nodiscard]] std::uint32_t size() const noexcept { return line_.size() + nursery_.size(); }
  [[nodiscard]] std::uint32_t line_size() const noexcept { return line_.size(); }
  [[nodiscard]] std::uint32_t newborns() const noexcept { return nursery_.size(); }
  [[nodiscard]] bool empty() const noexcept { return line_.empty() && nursery_.empty(); }

  // Owner.
  void push(runnable work) { line_.push(work); }                    // to the end of the line
  [[nodiscard]] bool push_in_room(runnable work) noexcept { return line_.push_in_room(work); }  // push(), or false: it would allocate
  void push_front(runnable work) { line_.push_front(work); }        // before the line: it is its turn still
  void push_child(runnable newborn) { nursery_.push(newborn); }     // started by the goroutine that runs
  [[nodiscard]] bool has_room_for_child() const noexcept { return nursery_.has_room(); }
  void push_child_in_room(runnable newborn) noexcept { nursery_.push_in_room(newborn); }
  nursery& children() noexcept { return nursery_; }                 // for siblings: litter.h
  // As pop(), in pieces, where there are only newborns.
  [[nodiscard]] bool has_only_newborns() const noexcept { return line_.empty() && !nursery_.empty(); }
  runnable pop_newborn(cradle_block& into) noexcept {  // REQUIRES: has_only_newborns()
    newborn_was_last_ = true;
    return nursery_.pop_newest(into);
  }
  void adopt(runnable stolen) {                                     // newborns as one batch
    if (stolen.is_newborn()) nursery_.push(stolen);
    else line_.push(stolen);
  }
  // That goroutine has parked, yielded or ended. What is returned runs next: a newborn may lie in the cradle (LT3).
  runnable pop(cradle_block& into) noexcept {
    if (!nursery_.empty()) [[unlikely]] return pop_in_turns(into);
    std::uint32_t left;
    const runnable work = line_.pop(left);
    if (work && left >= long_line) [[unlikely]] fetch_ahead(0);  // O5
    return work;
  }
  // The same in pieces, where there are no newborns.
  using ends = private_queue::ends;
  [[nodiscard]] ends look_at_line() const noexcept { return line_.look(); }
  [[nodiscard]] bool has_newborns() const noexcept { return !nursery_.empty(); }
  [[nodiscard]] static bool is_long(ends seen) noexcept { return seen.size() > long_line; }
  void fetch_behind_front() const noexcept { fetch_ahead(1); }  // O5; where the line is long
  [[nodiscard]] std::uintptr_t& place_of_front(ends seen) const noexcept { return line_.place_of_front(seen); }
  [[nodiscard]] static runnable front_of_line(const std::uintptr_t& place) noexcept { return private_queue::front(place); }
  void pop_front_of_line(ends seen) noexcept { line_.drop_front(seen); }
  void pop_front_and_push(ends seen, std::uintptr_t& place, runnable last) noexcept { line_.replace_front(seen, place, last); }
  runnable pop_for_others() noexcept {  // O4
    if (runnable oldest = line_.pop()) return oldest;
    return nursery_.pop_oldest();
  }
  void line_up_children() {  // O2
    if (nursery_.empty()) [[likely]] return;
    while (runnable newborn = nursery_.pop_open()) line_.push(newborn);
  }
  void line_up_oldest_newborn() {  // O3
    if (runnable newborn = nursery_.pop_oldest()) line_.push(newborn);
  }
  template <class F>
  void for_each(F&& f) const {
    line_.for_each(f);
    nursery_.for_each(f);
  }
  void shrink() {
    line_.shrink();
    nursery_.shrink();
  }

 private:
  friend struct layout_access;

  // Those that follow soon get their memory into the cache while this one runs. In a short line they were there lately.
  static constexpr std::uint32_t long_line = 12;
  [[gnu::noinline]] void fetch_ahead(std::uint32_t from) const noexcept;  // REQUIRES: size() >= from + 3

  runnable pop_in_turns(cradle_block& into) noexcept {  // O1
    newborn_was_last_ = !newborn_was_last_ || line_.empty();
    if (newborn_was_last_) return nursery_.pop_newest(into);
    nursery_.close_batch();
    return line_.pop();
  }

  private_queue line_;
  nursery nursery_;
  bool newborn_was_last_ = false;  // whose turn was last
};

}  // namespace weft::sched
