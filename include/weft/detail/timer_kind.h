// What timers of one kind have in common. A public header because the functions of after_func are kinds of the program's.
#pragma once

namespace weft::sched {
struct timer_node;  // sched/timer_heap.h
}

namespace weft::detail {

struct timer_kind {
  void (*fire)(sched::timer_node*);  // it is due; sched/timers.h, T1
};

}  // namespace weft::detail
