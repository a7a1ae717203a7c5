// What a processor has to run, but for the few words that others may look at (processor.h): a line of goroutines and a
// nursery of newborns.
//
//   O1  When both have something, they are served in turns. So a goroutine that wakes up waits for one newborn per
//       goroutine ahead of it, however many newborns there are, and newborns are served as long as goroutines are.
//   O2  A goroutine that yields goes behind all that is runnable: what it has started joins the line first.
//   O3  The oldest newborns get turns too: the loop moves one of them into the line now and then (loop.cpp, L1).
//   O4  What is given to others is the oldest of the line, then the oldest of the nursery, which is the largest part of a
//       tree of goroutines.
#pragma once

#include <cstdint>

#include "sched/nursery.h"
#include "sched/run_queue.h"

namespace weft::sched {

class own_queue {
 public:
  // Hints for those who do not own it.
  [[nodiscard]] std::uint32_t size() const noexcept { return line_.size() + nursery_.size(); }
  [[nodiscard]] bool empty() const noexcept { return line_.empty() && nursery_.empty(); }

  // Owner.
  void push(runnable work) { line_.push(work); }                    // to the end of the line
  void push_child(runnable newborn) { nursery_.push(newborn); }     // started by the goroutine that runs
  void adopt(runnable stolen) {                                     // newborns as one batch
    if (stolen.is_newborn()) nursery_.push(stolen);
    else line_.push(stolen);
  }
  runnable pop() noexcept {                                         // that goroutine has parked, yielded or ended
    if (nursery_.empty()) [[likely]] return line_.pop();
    return pop_in_turns();
  }
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
  void shrink() {
    line_.shrink();
    nursery_.shrink();
  }

 private:
  runnable pop_in_turns() noexcept {  // O1
    nursery_.close_batch();
    newborn_was_last_ = !newborn_was_last_ || line_.empty();
    return newborn_was_last_ ? nursery_.pop() : line_.pop();
  }

  private_queue line_;
  nursery nursery_;
  bool newborn_was_last_ = false;  // whose turn was last
};

}  // namespace weft::sched
