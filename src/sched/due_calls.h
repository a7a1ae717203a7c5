// What timers call when they are due: functions of the program's, each in a goroutine of its own.
//
// Where timers are dense hundreds are due at a time. Written down one by one they were 64 bytes of newborn each, out of cache
// before its turn came. So those that one processor finds due in one sweep, and that are of one kind, lie in one block, 8 bytes
// each, which is one entry of its line. Whoever takes it from there begins the first of them, having put the block back before
// the line if there are more.
//
//   DC1  A batch is added to only while its processor fires timers, before it is in any queue. Then it is a newborn like any
//        other (detail/newborn.h): whoever took it out of a queue has it for himself.
//   DC2  The ids in a batch follow one another, and newborn::more says how many come after the first: those who list goroutines
//        need no more.
//   DC3  The rest of a batch is queued before the first begins, so it never waits for a goroutine to end; and is shared with
//        those who are hungry, as anything is that was queued. Its calls begin in the order in which they came due. They have one
//        place in a line for all, so where a batch comes to another processor no more than `most` of them go before others.
// Refused: litters in the nursery (litter.h), as batches are served newest first there; one goroutine that calls one after the
// other (a call may block, or compute, and the next ones are due).
#pragma once

#include "sched/processor.h"

namespace weft::sched {

// While it lives, p gathers what is due. Owner of p, on a worker's native stack. Nothing else of p is looked at meanwhile.
class due_calls {
 public:
  explicit due_calls(processor& p) noexcept : p_(p) { p.gathers = this; }
  ~due_calls();
  due_calls(const due_calls&) = delete;
  due_calls& operator=(const due_calls&) = delete;

  void add(void (*call)(void*), void* subject);

 private:
  struct batch;
  static void begin(detail::newborn* n);
  void queue_open();

  processor& p_;
  batch* open_ = nullptr;
};

// Starts a goroutine that calls `call(subject)`. For timer_node::fire.
void start_due_call(void (*call)(void*), void* subject);

}  // namespace weft::sched
