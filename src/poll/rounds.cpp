#include "poll/rounds.h"

#include "sched/schedule.h"

namespace weft::poll {

bool rounds::go_one() {
  if (!is_allowed_) return false;
  if (rest_ != 0) {
    --rest_;
    return false;
  }
  return sched::yield_behind(crowd) || is_muted_;
}

bool rounds::go_another() { return is_muted_ && hits_ != 0 && sched::yield_behind(crowd); }

}  // namespace weft::poll
