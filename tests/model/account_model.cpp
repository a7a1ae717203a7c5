// Goroutines born into a group and counted by their processor: sched/account.h with the real scheduler under it.
//
//   AM1  (AC3) wait() returns once all that was started has ended and not before, whoever ran it: their own worker, a
//        thief that was fed, one that took them by force, or the spawner after it lost its processor.
//   AM2  (AC2) Afterwards the counter is zero and no account has a balance: nobody waits for ever.
#include <gtest/gtest.h>

#include <weft/wait_group.h>

#include "machine.h"
#include "sched/monitor.h"
#include "sched/schedule.h"

namespace {

using namespace weft;
using sched::the;

// Some are started; each leaves its processor in the middle if `parks`.
struct family {
  wait_group wg;
  int ran[5] = {};
  bool returned = false;

  void start(int children, bool parks) {
    for (int i = 0; i < children; ++i)
      wg.go([this, i, parks] {
        if (parks) sched::yield();
        ran[i] = 1;
      });
    wg.wait();
    int sum = 0;
    for (int each : ran) sum += each;
    model::check(sum == children, "AM1: wait() returned too early");
    returned = true;
  }
};

void check_closed(int procs, const family& f) {
  model::check(f.returned, "AM2: wait() returns");
  for (int i = 0; i < procs; ++i)
    model::check(the.processors[i].load(base::relaxed)->births.balance == 0, "AM2: no account is left open");
}

void fed_to_a_thief(int children, bool parks) {
  model::machine m(2);
  family f;
  sched::worker& busy = m.worker_on(0);
  sched::worker& sleepy = m.worker_on(1);
  m.processor(0).queue.push(model::goroutine_of([&] { f.start(children, parks); }));
  model::parallel({model::spare(),
                   {"busy", [&] { model::machine::run(busy); }, true},
                   {"sleepy", [&] { model::machine::run(sleepy); }, true}});
  check_closed(2, f);
}

TEST(account, those_that_are_given_away_are_waited_for) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 0}, [] { fed_to_a_thief(5, false); });
}
TEST(account, those_that_park_are_waited_for) {
  model::use_scheduler();
  model::holds({.preemptions = 1, .stale_reads = 0}, [] { fed_to_a_thief(4, true); });
}

}  // namespace
